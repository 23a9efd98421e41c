"""The budget of a training: how long, on how many images and how a network is trained."""

from dataclasses import dataclass

from deap_lossgp.settings import documented, setting


@documented
@dataclass(frozen=True, kw_only=True)
class Budget:
    """How a network is trained. A value out of its range raises a ValueError."""

    group = "training"

    epochs: int = setting(15, "epochs of each training, at least 1")
    batch_size: int = setting(64, "images per step")
    learning_rate: float = setting(1e-3, "learning rate of the optimizer")
    train_size: int | None = setting(
        None, "images used, for training and validation together; by default all")
    validation_share: float = setting(0.1, "share of these images that is kept for validation")
    augmentation: bool = setting(
        False, "whether training images are shifted (0.1), zoomed (0.2) and mirrored at random, as "
        "the NGL authors do")
    mixed_precision: bool = setting(
        False, "whether the network computes in bfloat16 inside; for GPUs")
    jit_compile: bool = setting(False, "whether XLA compiles the training loop; for GPUs")

    def __post_init__(self):
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
        if not 0.0 < self.learning_rate < float("inf"):
            raise ValueError(
                f"learning_rate must be positive and finite, got {self.learning_rate!r}")
