"""Shows what is known of many losses, or trains many losses to know more.

The atlas that comes with the package, on CIFAR-10, Fashion-MNIST and CIFAR-100:

    python examples/loss_atlas.py --show best

One of your own, of 40 losses on digits, and merged into a table:

    python examples/loss_atlas.py --collect --datasets digits --epochs 6 --table my_atlas.csv.xz
    python examples/loss_atlas.py --show different --table my_atlas.csv.xz

``lossgp atlas`` is the same; its code, to copy from, is deap_lossgp/commands/atlas.py.
"""

import sys

from deap_lossgp.commands.atlas import main

if __name__ == "__main__":
    sys.exit(main())
