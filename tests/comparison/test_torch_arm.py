"""The loop of a PyTorch user that costs are compared with."""

import pytest

pytest.importorskip("torch")

from deap_lossgp.comparison.torch_arm import TorchLoop
from deap_lossgp.data import load_dataset
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.training import Task, small_cnn
from deap_lossgp.trees import LossTree

pytestmark = pytest.mark.frameworks


def test_the_loop_learns_with_a_tree_and_begins_anew_each_time():
    pset = loss_primitive_set()
    loop = TorchLoop(Task(load_dataset("digits"), small_cnn, epochs=1, batch_size=16), pset)
    entropy, wrong = (LossTree.from_string(text, pset) for text in (
        KNOWN_LOSSES["cross_entropy"], "mul(y_true, log(y_pred))"))
    assert loop.train(entropy) > 0.4
    assert loop.train(wrong) < 0.3  # what was learned before is forgotten
    assert loop.train(entropy, threads=2) > 0.4
