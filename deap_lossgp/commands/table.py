"""The commands: their names, what each does, and the example program that is the same."""

from typing import NamedTuple


class Command(NamedTuple):
    """A subcommand of ``lossgp``.

    Attributes:
        summary: What it does, in a line.
        program: The file in ``examples/`` that does the same.
    """

    summary: str
    program: str

    @staticmethod
    def module_of(name: str) -> str:
        """Returns the name of the module that has a command's ``main``.

        Examples:
            >>> Command.module_of("search-benchmark")
            'deap_lossgp.commands.search_benchmark'
        """
        return f"deap_lossgp.commands.{name.replace('-', '_')}"


COMMANDS = {
    "evolve": Command("evolve a loss for image classifiers", "evolve_loss.py"),
    "watch": Command("show a run as it grows", "watch_run.py"),
    "describe": Command("show what losses do: a card, curves and trees", "describe_loss.py"),
    "train": Command("train losses side by side in plain Keras, over seeds", "train_with_loss.py"),
    "export": Command("write a loss for Keras, PyTorch or a paper", "export_loss.py"),
    "compare": Command("compare algorithms on equal terms", "compare_algorithms.py"),
    "atlas": Command("show what is known of many losses, or train many", "loss_atlas.py"),
    "benchmark": Command("measure what evaluating one loss costs", "benchmark_evaluation.py"),
    "search-benchmark": Command("measure what a search finds, part by part",
                                "benchmark_search.py"),
}
"""By name, in the order in which ``lossgp --help`` shows them."""
