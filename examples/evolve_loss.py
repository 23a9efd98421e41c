"""Evolves a loss function for image classifiers.

With no arguments it evolves one on scikit-learn's digits, in about a minute:

    python examples/evolve_loss.py

At the thesis's small scale, which needs a GPU:

    python examples/evolve_loss.py --preset small

``lossgp evolve`` is the same; its code, to copy from, is deap_lossgp/commands/evolve.py.
"""

import sys

from deap_lossgp.commands.evolve import main

if __name__ == "__main__":
    sys.exit(main())
