"""Compares algorithms that evolve losses on equal terms: the thesis's experiment, with replicates.

As in the thesis's Algorithm 2, an initial population is made, each algorithm starts from a copy of
it, and all are compared with cross entropy. This takes minutes on a laptop, with real images of the
thesis's three data sets:

    python examples/compare_algorithms.py --preset laptop --data-dir DIR_WITH_NPZ

The same command with a larger --replicates adds replicates later.

``lossgp compare`` is the same; its code, to copy from, is deap_lossgp/commands/compare.py.
"""

import sys

from deap_lossgp.commands.compare import main

if __name__ == "__main__":
    sys.exit(main())
