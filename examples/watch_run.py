"""Shows a run as it grows: lines in a terminal, or a page for a browser on the same machine.

    python examples/watch_run.py runs/my_run
    python examples/watch_run.py runs/my_run --serve

``lossgp watch`` is the same; its code, to copy from, is deap_lossgp/commands/watch.py.
"""

import sys

from deap_lossgp.commands.watch import main

if __name__ == "__main__":
    sys.exit(main())
