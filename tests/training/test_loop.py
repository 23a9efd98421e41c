"""The compiled loop on one CPU, which needs a process of its own."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("tensorflow")

EXACT_ON_ONE_CPU = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from deap_lossgp.training.candidates import candidate_of
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.training.tasks import Task
from deap_lossgp.training.trainer import Trainer
from deap_lossgp.trees import LossTree
pset = loss_primitive_set()
trainer = Trainer(Task.load("digits", epochs=1, train_size=200))
tree = LossTree.from_string("mul(y_true, sub(mul(1e-6, sin(mul(1e5, y_pred))), y_pred))", pset)
result = trainer.train(candidate_of(tree, pset, trainer.task), seed=0)
print(result.exact, result.status)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity here")
def test_the_exact_path_does_not_wait_for_itself_on_one_cpu():
    process = subprocess.run([sys.executable, "-c", EXACT_ON_ONE_CPU], capture_output=True,
                             text=True, check=False, timeout=300)
    assert process.stdout.split() == ["True", "ok"], process.stderr
