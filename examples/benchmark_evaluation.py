"""Measures what one candidate costs, in several ways side by side in one run.

It times these ways in turn, for each of several random losses:

* ours: the curves and one training in the compiled trainer, with validation;
* hand-written: cross entropy written out in the same compiled loop;
* exact path: the same loss as operations, in the same trainer;
* plain: DEAP's ``gp.compile``, and Keras's ``compile`` and ``fit`` on the same batches; first the
  training alone, then with the validation accuracy, which all other ways include.

    python examples/benchmark_evaluation.py --data-dir DIR_WITH_FASHION_MNIST_NPZ

``lossgp benchmark`` is the same; its code, to copy from, is deap_lossgp/commands/benchmark.py.
"""

import sys

from deap_lossgp.commands.benchmark import main

if __name__ == "__main__":
    sys.exit(main())
