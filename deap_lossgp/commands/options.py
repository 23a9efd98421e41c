"""Options of the commands that run experiments; their defaults are the settings' own."""

import argparse
from dataclasses import asdict, fields

from deap_lossgp.commands.parser import CommandParser
from deap_lossgp.engines.execution import ENGINES, Execution
from deap_lossgp.search.fitness import FITNESS_MODES

_THESIS = {"datasets": ["cifar10", "fashion_mnist", "cifar100"], "model": "inception_v3",
           "population": 8}
PRESETS = {"small": {**_THESIS, "generations": 4, "epochs": 6},
           "large": {**_THESIS, "generations": 12, "epochs": 10}}
"""The thesis's scales (table 4.1)."""


def experiment_parser(description, settings, presets):
    """A parser with the options of every experiment; add the command's own to it.

    Args:
        description: What the command does, in one line.
        settings: Default settings, whose fields are the options' names.
        presets: dict from name to a dict of options.

    Returns:
        A ``CommandParser``.
    """
    p = CommandParser(description)
    p.add_argument("--preset", choices=presets, help="a scale; other options override it")
    p.add_argument("--datasets", nargs="+", metavar="NAME_OR_FOLDER",
                   help="digits, fashion_mnist, cifar10, cifar100, NAME for DIR/NAME.npz, or the "
                        "path of a folder of class folders of images (or of train/ and test/ of "
                        "them), or of a .npz file")
    p.add_argument("--data-dir", metavar="DIR", help="folder with NAME.npz files")
    p.add_argument("--image-size", metavar="N|HxW",
                   help="size to which images in folders are resized; default: 32")
    p.add_argument("--image-mode", metavar="grey|rgb",
                   help="what images in folders are made; default: grey if all are, else rgb")
    p.add_argument("--model",
                   help="small_cnn, resnet8, inception_v3, or module:function")
    p.add_argument("--fitness", help=", ".join([*FITNESS_MODES, "or module:function"]))
    p.add_argument("--mean-over-all", action="store_true",
                   help="average the improvement over all data sets, not only those won")
    p.add_argument("--output", metavar="DIR", help="the folder; default: one in runs/")
    p.add_argument("--seed", type=int, help="seed of everything")

    search = p.add_argument_group("search")
    search.add_argument("--population", type=int, help="P")
    search.add_argument("--generations", type=int, help="T")
    search.add_argument("--sample-size", type=int, help="G; default: floor(3P/4)")
    search.add_argument("--parents", type=int, help="N; default: floor(G/2)")
    search.add_argument("--crossover", type=float,
                        help="C_r, probability that both parents come from the population")
    search.add_argument("--subtree-mutation", type=float, help="M_ST")
    search.add_argument("--point-mutation", type=float, help="M_N")
    search.add_argument("--max-size", type=int, help="most nodes of a tree")
    search.add_argument("--max-height", type=int, help="greatest height of a tree")
    search.add_argument("--plain", dest="protected", action="store_false",
                        help="plain instead of protected operators")

    training = p.add_argument_group("training")
    training.add_argument("--epochs", type=int, help="epochs per training")
    training.add_argument("--train-size", type=int,
                          help="images used, validation included; default: all")
    training.add_argument("--validation-share", type=float,
                          help="share of them kept for validation")
    training.add_argument("--batch-size", type=int, help="images per step")
    training.add_argument("--learning-rate", type=float, help="of Adam")
    training.add_argument("--augmentation", action="store_true",
                          help="shift, zoom and mirror training images, as the NGL authors do")
    training.add_argument("--mixed-precision", action="store_true",
                          help="bfloat16 inside the network (GPUs)")
    training.add_argument("--jit-compile", action="store_true", help="XLA (GPUs)")
    training.add_argument("--test-seeds", type=int,
                          help="trainings per loss for the final comparison on the test set")
    execution = p.add_argument_group("execution", "may be otherwise when a run is resumed")
    execution.add_argument("--workers", type=int, help="processes that train; 0: this one")
    execution.add_argument("--time-limit", type=float, metavar="SECONDS",
                           help="of one training; longer ones count as failed")
    execution.add_argument("--threads", type=int,
                           help="threads per operation on the CPU; more for large networks")
    execution.add_argument("--determinism", action=argparse.BooleanOptionalAction,
                           help="whether operations are deterministic; default: on the CPU")
    execution.add_argument("--engine", help=" or ".join(
        f"{name} ({row.about})" for name, row in ENGINES.items()))
    execution.add_argument("--address", help="of a Ray cluster, or auto for this "
                                             "machine's; default: RAY_ADDRESS, or one of its own")
    execution.add_argument("--gpus-per-training", type=float, help="GPUs of one training, by Ray")
    p.set_defaults(**asdict(settings), **asdict(Execution()))
    return p


def parse_experiment(parser, argv, settings_class, presets):
    """Reads a command line with an ``experiment_parser``.

    Returns:
        (settings, execution, all options as a dict)

    Raises:
        ValueError, TypeError: The options are not usable together.
    """
    chosen, _ = parser.parse_known_args(argv)
    parser.set_defaults(**presets.get(chosen.preset, {}))
    options = vars(parser.parse_args(argv))

    def taken(cls):
        values = {f.name: options[f.name] for f in fields(cls)}
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})

    return taken(settings_class), taken(Execution), options
