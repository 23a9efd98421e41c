"""The budget of a training: how long, on how many images and how a network is trained."""

from dataclasses import dataclass

from deap_lossgp.settings import check_numbers, documented, setting


@documented
@dataclass(frozen=True, kw_only=True)
class Budget:
    """How a network is trained. A value out of its range raises a ValueError."""

    group = "training"

    epochs: int = setting(15, "epochs of each training, at least 1")
    batch_size: int = setting(64, "images per step")
    learning_rate: float = setting(1e-3, "learning rate of the optimizer")
    train_size: int | None = setting(
        None, "training images; by default all that are not kept for validation")
    validation_size: int | None = setting(
        None, "validation images, of those that train_size leaves over: by default all of them, at "
        "most 5,000; without train_size a tenth of all images")
    validation_share: float | None = setting(
        None, "instead of validation_size: train_size counts training and validation images "
        "together, and this share of them is kept for validation, as the thesis keeps 0.1")
    augmentation: bool = setting(
        False, "whether training images are shifted (0.1), zoomed (0.2) and mirrored at random, as "
        "the NGL authors do; whether the thesis does is open")
    mixed_precision: bool = setting(
        False, "whether the network computes in bfloat16 inside; for GPUs")
    jit_compile: bool = setting(False, "whether XLA compiles the training loop; for GPUs")

    def __post_init__(self) -> None:
        check_numbers(self, Budget)
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be an integer of at least 1, "
                                 f"got {getattr(self, name)}")
        if self.augmentation and self.jit_compile:
            raise ValueError("augmentation cannot be combined with jit_compile: XLA does not "
                             "compile what shifts and zooms images")
        if not 0.0 < self.learning_rate < float("inf"):
            raise ValueError(
                f"learning_rate must be positive and finite, got {self.learning_rate!r}")
        if self.validation_size is not None and self.validation_share is not None:
            raise ValueError(f"expected validation_size or validation_share, got both, "
                             f"{self.validation_size!r} and {self.validation_share!r}")
