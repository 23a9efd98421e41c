"""Measures what a search finds, from many seeds: all of it, each of its parts alone, all but one.

Ten runs on CIFAR-10, some minutes each:

    python examples/benchmark_search.py --datasets cifar10 --epochs 6 --train-size 10000

With figures that are predicted from the atlas, a run takes seconds:

    python examples/benchmark_search.py --engine tabular --datasets cifar10 --epochs 6
        --train-size 10000 --replicates 50 --arms all none known rungs surrogate prior epochs race

``lossgp search-benchmark`` is the same; its code, to copy from, is
deap_lossgp/commands/search_benchmark.py.
"""

import sys

from deap_lossgp.commands.search_benchmark import main

if __name__ == "__main__":
    sys.exit(main())
