"""``python -m deap_lossgp`` is the program ``lossgp``."""

import sys

from deap_lossgp.commands.program import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m deap_lossgp"))
