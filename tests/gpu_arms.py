"""The ways to train one candidate that ``gpu_check.py`` times, each framework in its own process.

    python tests/gpu_arms.py tensorflow|torch --network small_cnn [--precision bfloat16]

Builds the arms, runs each once, prints ``ready`` and their names; then, for each name that it
reads, trains once, validates and prints the seconds. An epoch of batches of 64, Adam.
"""

import argparse
import os
import sys
import time

import numpy as np
from gpu_rows import IMAGES, candidate, images_of, task_of

BATCH = 64


def tensorflow_arms(options):
    """Ours on curves and exact, cross entropy by hand in the same loop, and Keras's ``fit``."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from dataclasses import replace

    import keras
    from keras import ops

    from deap_lossgp.found_losses import KNOWN_LOSSES
    from deap_lossgp.psets import loss_primitive_set
    from deap_lossgp.training import Trainer
    from deap_lossgp.training.candidates import ExactLoss
    from deap_lossgp.training.networks import build_model
    from deap_lossgp.training.tensorflow_setup import prepare_tensorflow
    from deap_lossgp.trees import LossTree

    prepare_tensorflow()
    arrays = images_of(options.images, options.count)
    pset = loss_primitive_set()
    tree = LossTree.from_string(KNOWN_LOSSES["ngl"], pset)

    def cross_entropy(labels, y_pred):
        y_true = ops.one_hot(labels, y_pred.shape[-1])
        return y_true / ops.maximum(y_pred, 1.2e-7) * (-1.0 / BATCH)

    class ByHand(Trainer):
        def __init__(self, task):
            super().__init__(task)
            self._compiled = self.loop.compile_epoch(cross_entropy, task.jit_compile)

        def _epoch_of(self, candidate):
            return self._compiled

    def fit_of(task):
        train, validation = task.split()
        x, x_validation = (np.float32(task.data.x_train[part] * task.data.scale)
                           for part in (train, validation))
        y = np.eye(task.data.num_classes, dtype=np.float32)[task.data.y_train[train]]
        model = build_model(task)

        def compile_anew():
            model.compile(keras.optimizers.Adam(task.learning_rate), "categorical_crossentropy",
                          jit_compile=task.jit_compile)

        def fit():
            model.fit(x, y, BATCH, verbose=0)
            model.predict(x_validation, verbose=0)

        compile_anew()
        return fit, lambda: (compile_anew(), fit())

    arms = {}
    for xla in options.xla:
        task = task_of(options.network, arrays, jit_compile=xla == "on",
                       mixed_precision=options.precision == "bfloat16")
        end = " XLA" if xla == "on" else ""
        ours, by_hand = Trainer(task), ByHand(task)
        curves = candidate("ngl", task)
        arms["curves" + end] = lambda ours=ours, curves=curves: ours.train(curves, 1)
        arms["by hand" + end] = lambda by_hand=by_hand, curves=curves: by_hand.train(curves, 1)
        if not end:
            exact = replace(curves, loss=ExactLoss(tuple(tree), pset))
            arms["exact"] = lambda ours=ours, exact=exact: ours.train(exact, 1)
        if options.only_ours:
            continue
        fit, anew = fit_of(task)
        arms["Keras fit" + end] = fit
        if options.network == "small_cnn":  # tracing the others takes longer than training
            arms["Keras fit, compiled anew" + end] = anew
    return arms


def torch_arms(options):
    """The loop of a PyTorch user, eager in both memory layouts and with ``torch.compile``."""
    import torch
    from torch import nn

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = True  # as TensorFlow does
    half = options.precision == "bfloat16"
    x, y, _, _ = images_of(options.images, options.count)
    held = len(x) // (1 + IMAGES // 512)
    images = torch.from_numpy(x).to(device)
    labels = torch.from_numpy(y.astype(np.int64)).to(device)

    def small_cnn():
        return nn.Sequential(
            nn.Conv2d(3, 16, 5, 3, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 36, 64), nn.ReLU(), nn.Linear(64, 10))

    class Block(nn.Module):
        def __init__(self, before, filters, stride):
            super().__init__()
            self.way = nn.Sequential(
                nn.Conv2d(before, filters, 3, stride, 1), nn.BatchNorm2d(filters), nn.ReLU(),
                nn.Conv2d(filters, filters, 3, 1, 1), nn.BatchNorm2d(filters))
            self.short = nn.Conv2d(before, filters, 1, stride) if stride > 1 else nn.Identity()

        def forward(self, x):
            return torch.relu(self.way(x) + self.short(x))

    def resnet8():
        return nn.Sequential(
            nn.Conv2d(3, 16, 3, 1, 1), nn.BatchNorm2d(16), nn.ReLU(), Block(16, 16, 1),
            Block(16, 32, 2), Block(32, 64, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(64, 10))

    def inception_v3():
        from torchvision.models import inception_v3

        model = inception_v3(weights=None, aux_logits=False, init_weights=False)
        model.avgpool, model.dropout = nn.AdaptiveMaxPool2d(1), nn.Identity()
        head = []
        for before, units in ((2048, 128), (128, 64)):
            head += [nn.BatchNorm1d(before), nn.Linear(before, units), nn.ReLU(), nn.Dropout(0.5)]
        model.fc = nn.Sequential(*head, nn.BatchNorm1d(64), nn.Linear(64, 10))
        return nn.Sequential(nn.Upsample(scale_factor=8), model)

    def loss(y_true, y_pred):
        return -(y_true * torch.log(y_pred.clamp_min(1.2e-7))).sum(1).mean()

    def arm(layout, compiled):
        model = locals_of[options.network]().to(device, memory_format=layout)
        start = {name: value.clone() for name, value in model.state_dict().items()}
        run = torch.compile(model) if compiled else model
        criterion = torch.compile(loss) if compiled else loss

        def predict(batch):
            pixels = images[batch].permute(0, 3, 1, 2).float() / 255
            with torch.autocast(device, torch.bfloat16, enabled=half):
                scores = run(pixels.to(memory_format=layout))
            return torch.softmax(scores.float(), 1)

        def train():
            model.load_state_dict(start)
            optimizer = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-7, fused=True)
            model.train()
            order = torch.randperm(len(images) - held, device=device)
            for batch in order[:len(order) // BATCH * BATCH].split(BATCH):
                optimizer.zero_grad()
                criterion(nn.functional.one_hot(labels[batch], 10).float(),
                          predict(batch)).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                rest = torch.arange(len(images) - held, len(images), device=device)
                right = [predict(batch).argmax(1) == labels[batch] for batch in rest.split(256)]
            return torch.cat(right).float().mean().item()

        return train

    locals_of = {"small_cnn": small_cnn, "resnet8": resnet8, "inception_v3": inception_v3}
    plain, last = torch.contiguous_format, torch.channels_last
    return {"torch eager": arm(plain, False), "torch eager, channels last": arm(last, False),
            "torch compiled": arm(last, True)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framework", choices=["tensorflow", "torch"])
    parser.add_argument("--network", default="small_cnn")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--xla", nargs="+", choices=["off", "on"], default=["off"])
    parser.add_argument("--only-ours", action="store_true", help="leave out Keras's fit")
    parser.add_argument("--images", help="an .npz as CIFAR-10's; random images without")
    parser.add_argument("--count", type=int, default=IMAGES, help="training images of an epoch")
    options = parser.parse_args()
    arms = {"tensorflow": tensorflow_arms, "torch": torch_arms}[options.framework](options)
    for name in [*arms]:
        start = time.perf_counter()
        try:
            arms[name]()
            print(f"first {name}: {time.perf_counter() - start:.1f} s", flush=True)
        except Exception as error:
            print(f"failed {name}: {type(error).__name__}: {error}"[:600].replace("\n", " "),
                  flush=True)
            del arms[name]
    print("ready", *arms, sep="\t", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        arms[line.rstrip("\n")]()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
