"""Trains found losses in plain Keras beside cross entropy and NGL, in pairs with the same seed.

Does the loss of a run help, and does it help a larger network than the one it was found on?

    python examples/train_with_loss.py runs/MY_RUN --model small_cnn resnet8 --seeds 7

A loss is a run's folder, a best_loss.json, or the name of a known loss. The same command with more
seeds, losses, models or data sets trains only what is missing in its --output.

``lossgp train`` is the same; its code, to copy from, is deap_lossgp/commands/train.py.
"""

import sys

from deap_lossgp.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
