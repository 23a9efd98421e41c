"""Writes a loss as a file that does not need this package: for Keras, PyTorch or a paper.

A loss is a run's best_loss.json, the run's folder, or the name of a known loss:

    python examples/export_loss.py runs/NAME --to torch
    python examples/export_loss.py ngl --to latex --output paper/ngl.tex

``lossgp export`` is the same; its code, to copy from, is deap_lossgp/commands/export.py.
"""

import sys

from deap_lossgp.commands.export import main

if __name__ == "__main__":
    sys.exit(main())
