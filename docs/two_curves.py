"""Draws ``two_curves.svg``: the loss that README.rst prints, beside cross entropy.

    python docs/two_curves.py
"""

import re
import sys
from pathlib import Path

import matplotlib

from deap_lossgp.found_losses import FoundLoss
from deap_lossgp.plotting import plot_loss
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

HERE = Path(__file__).parent


def main(path=HERE / "two_curves.svg"):
    """Writes the picture to a path."""
    (expression,) = re.findall(r"Best loss: +(.*)", (HERE.parent / "README.rst").read_text("utf-8"))
    pset = loss_primitive_set()
    loss = FoundLoss("the evolved loss", LossTree.from_string(expression, pset), pset)
    # Without these each call would write another file.
    with matplotlib.rc_context({"svg.hashsalt": "two curves", "path.simplify_threshold": 0.5}):
        axes = plot_loss(loss, beside=["cross_entropy"])
        axes[0, 0].figure.savefig(path, metadata={"Date": None, "Description": expression})


if __name__ == "__main__":
    sys.exit(main())
