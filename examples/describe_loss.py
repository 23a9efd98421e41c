"""Describes losses: a card as text, and pictures of the curves and of the tree.

A loss is a run's best_loss.json, the folder of a run, or a known name:

    python examples/describe_loss.py ngl runs/my_run

``lossgp describe`` is the same; its code, to copy from, is deap_lossgp/commands/describe.py.
"""

import sys

from deap_lossgp.commands.describe import main

if __name__ == "__main__":
    sys.exit(main())
