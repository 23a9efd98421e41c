"""Shows what is known of many losses, or trains many losses to know more.

The atlas that comes with the package, on CIFAR-10, Fashion-MNIST and CIFAR-100:

    python examples/loss_atlas.py --show best

One of your own, of 40 losses on digits, and merged into a table:

    python examples/loss_atlas.py --collect --datasets digits --epochs 6 --table my_atlas.csv.xz
    python examples/loss_atlas.py --show different --table my_atlas.csv.xz
"""

import sys
from pathlib import Path

from deap_lossgp.commands import (
    CommandParser,
    add_settings,
    fail,
    read_settings,
    refused,
    resumable,
)
from deap_lossgp.engines import TrainingError
from deap_lossgp.engines.execution import Execution
from deap_lossgp.search.collecting import CollectionSettings
from deap_lossgp.surrogate import load_atlas
from deap_lossgp.surrogate.showing import VIEWS, as_text, view


def main(argv=None):
    parser = CommandParser("Show what is known of many losses, or train many to know more.")
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
    with resumable(parser.prog, argv):
        if options["show"]:
            refused(parser.prog, show, options["show"], options["table"], options["output"])
            return
        collection = refused(parser.prog, prepare, options)
        with collection:
            try:
                table = collection.execute()
            except TrainingError as error:
                fail(parser.prog, error)
            print(f"{len(table)} trainings of {table['expression'].nunique()} losses. "
                  f"Results in {collection.output}: rows.csv")
            if options["table"]:
                count = refused(parser.prog, collection.merge_into, options["table"])
                print(f"{options['table']} has {count} trainings now")


def show(name, table, output):
    shown = view(load_atlas(path=table) if table else load_atlas(), name)
    print(as_text(shown))
    if output:
        Path(output).mkdir(parents=True, exist_ok=True)
        shown.to_csv(Path(output) / f"{name}.csv", index=False)
        print(f"Results in {output}: {name}.csv")


def prepare(options):
    from deap_lossgp.search.collecting import Collection
    from deap_lossgp.training.tensorflow_setup import check_tensorflow

    check_tensorflow()
    return Collection(read_settings(options, CollectionSettings), options["output"],
                      execution=read_settings(options, Execution))


if __name__ == "__main__":
    sys.exit(main())
