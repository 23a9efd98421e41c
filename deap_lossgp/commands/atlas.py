"""``lossgp atlas``: what is known of many losses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deap_lossgp.commands.options import add_settings, read_settings
from deap_lossgp.commands.parser import CommandParser, refused, resumable
from deap_lossgp.engines import TrainingError
from deap_lossgp.engines.execution import Execution
from deap_lossgp.search.collecting import CollectionSettings
from deap_lossgp.surrogate import load_atlas
from deap_lossgp.surrogate.showing import VIEWS, as_text, view

if TYPE_CHECKING:
    from deap_lossgp.search.collecting import Collection


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Shows a view of the atlas, or trains many losses for one.

    Args:
        argv: The arguments; None for those in ``sys.argv``.
        prog: What the user types before them; None for a program of its own.
    """
    parser = CommandParser("Show what is known of many losses, or train many to know more.",
                           prog=prog)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--show", choices=VIEWS,
                      help="best: by gain over cross entropy on each data set, in points; oddest: "
                           "whose gains differ most between data sets; different: better than "
                           "cross entropy and least like it")
    what.add_argument("--collect", action="store_true",
                      help="train losses, random ones, ones bred from the best, and known ones")
    parser.add_argument("--table", metavar="FILE",
                        help="a table as of the atlas (.csv or .csv.xz): --show reads it instead "
                             "of the atlas, --collect adds its rows to it")
    parser.add_argument("--output", metavar="DIR",
                        help="--collect: the folder of the trainings, by default one in runs/; "
                             "--show: a folder for the shown table as CSV")
    add_settings(parser, CollectionSettings())
    add_settings(parser, Execution())
    options = vars(parser.parse_args(argv))
    with resumable(parser, argv):
        if options["show"]:
            refused(parser, show, options["show"], options["table"], options["output"])
            return
        collection = refused(parser, prepare, options)
        with collection:
            try:
                table = collection.execute()
            except TrainingError as error:
                parser.error(error)
            print(f"{len(table)} trainings of {table['expression'].nunique()} losses. "
                  f"Results in {collection.output}: rows.csv")
            if options["table"]:
                count = refused(parser, collection.merge_into, options["table"])
                print(f"{options['table']} has {count} trainings now")


def show(name: str, table: str | None, output: str | None) -> None:
    """Prints a view of the atlas or of another table, and writes it to a folder if there is one."""
    shown = view(load_atlas(path=table) if table else load_atlas(), name)
    print(as_text(shown))
    if output:
        Path(output).mkdir(parents=True, exist_ok=True)
        shown.to_csv(Path(output) / f"{name}.csv", index=False)
        print(f"Results in {output}: {name}.csv")


def prepare(options: dict[str, Any]) -> Collection:
    """Returns the ``Collection`` that parsed options describe."""
    from deap_lossgp.search.collecting import Collection
    from deap_lossgp.training.tensorflow_setup import check_tensorflow

    check_tensorflow()
    if options["table"] and Path(options["table"]).exists():
        load_atlas(path=options["table"])  # what cannot be added to is refused right away
    return Collection(read_settings(options, CollectionSettings), options["output"],
                      execution=read_settings(options, Execution))
