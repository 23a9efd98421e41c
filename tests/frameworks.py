"""Trains a loss in Keras on TensorFlow, in Keras on JAX, and, as exported, in PyTorch.

    python tests/frameworks.py runs/NAME --seeds 5 --output DIR

Each framework trains in a process of its own, on digits, with the same architecture and budget.
The process with PyTorch can import neither Keras nor this package. Needs torch and jax. Writes
``frameworks.csv``.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.export.files import export_loss
from deap_lossgp.found_losses import read_loss

BUDGET = "EPOCHS, BATCH, WIDTH = 20, 64, 64"
IN_KERAS = f"""
import sys
import keras
import numpy as np
from deap_lossgp.found_losses import read_loss
from deap_lossgp.losses import TreeLoss

{BUDGET}
data = np.load(sys.argv[1])
found = sys.argv[2]
for seed in range(int(sys.argv[3])):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(WIDTH, "relu"),
                              keras.layers.Dense(10, "softmax")])
    loss = "categorical_crossentropy" if found == "cross_entropy" else TreeLoss(read_loss(found))
    model.compile("adam", loss, metrics=["accuracy"])
    labels = np.eye(10, dtype="float32")
    model.fit(data["x_train"], labels[data["y_train"]], BATCH, EPOCHS, verbose=0)
    print(model.evaluate(data["x_test"], labels[data["y_test"]], verbose=0)[1])
"""
IN_TORCH = f"""
import sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("keras", "deap", "deap_lossgp"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Wall())
import numpy as np
import torch
from torch import nn

{BUDGET}
data = {{name: torch.from_numpy(array) for name, array in np.load(sys.argv[1]).items()}}
names = {{}}
exec(open(sys.argv[2]).read(), names)
criterion = next(value for key, value in names.items() if key.endswith("Loss"))()
for seed in range(int(sys.argv[3])):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))
    for layer in (model[1], model[3]):  # Keras's initial weights and optimizer
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-7)
    for epoch in range(EPOCHS):
        for batch in torch.randperm(len(data["x_train"])).split(BATCH):
            optimizer.zero_grad()
            criterion(model(data["x_train"][batch]), data["y_train"][batch]).backward()
            optimizer.step()
    with torch.no_grad():
        right = model(data["x_test"]).argmax(1) == data["y_test"]
    print(right.float().mean().item())
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("loss", help="a run's folder, a best_loss.json, or a known loss's name")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path())
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    digits = load_dataset("digits")
    arrays = options.output / "digits.npz"
    np.savez(arrays, x_train=(digits.x_train / 255).astype(np.float32), y_train=digits.y_train,
             x_test=(digits.x_test / 255).astype(np.float32), y_test=digits.y_test)
    exported = options.output / "exported.py"
    exported.write_text(export_loss(read_loss(options.loss), "torch"))
    rows = []
    for framework, script, loss in (
        ("Keras on TensorFlow", IN_KERAS, options.loss), ("Keras on JAX", IN_KERAS, options.loss),
        ("PyTorch", IN_TORCH, exported), ("Keras on TensorFlow", IN_KERAS, "cross_entropy"),
    ):
        environment = {**os.environ, "KERAS_BACKEND": "jax" if "JAX" in framework else "tensorflow"}
        process = subprocess.run([sys.executable, "-c", script, arrays, loss, str(options.seeds)],
                                 env=environment, stdout=subprocess.PIPE, text=True, check=True)
        name = "cross_entropy" if loss == "cross_entropy" else read_loss(options.loss).name
        rows += [{"framework": framework, "loss": name, "seed": seed, "test_accuracy": float(line)}
                 for seed, line in enumerate(process.stdout.split())]
    table = pd.DataFrame(rows)
    table.to_csv(options.output / "frameworks.csv", index=False)
    print(table.groupby(["framework", "loss"])["test_accuracy"].agg(["mean", "std"]).round(4))


if __name__ == "__main__":
    main()
