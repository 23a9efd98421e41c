"""Evolves a loss function for image classifiers.

With no arguments it evolves one on scikit-learn's digits, in about a minute:

    python examples/evolve_loss.py

The thesis's small scale, which wants a GPU:

    python examples/evolve_loss.py --preset small
"""

import argparse
import sys
from dataclasses import asdict, fields

from deap_lossgp.backend import check_tensorflow
from deap_lossgp.cli import CommandParser, fail, refused, resumable
from deap_lossgp.engines import TrainingError
from deap_lossgp.fitness import FITNESS_MODES
from deap_lossgp.settings import Execution, RunSettings

THESIS = {
    "datasets": ["cifar10", "fashion_mnist", "cifar100"],
    "model": "inception_v3",
    "population": 8,
}
PRESETS = {
    "small": {**THESIS, "generations": 4, "epochs": 6},
    "large": {**THESIS, "generations": 12, "epochs": 10},
}


def parser():
    p = CommandParser("Evolve a loss function for image classifiers by genetic programming.")
    p.add_argument("--preset", choices=PRESETS, help="the thesis's scales; other options override")
    p.add_argument("--algorithm",
                   help="sample-tournament (the thesis), archive (NGL) or random search")
    p.add_argument("--datasets", nargs="+", metavar="NAME",
                   help="digits, fashion_mnist, cifar10, cifar100, or NAME for DIR/NAME.npz")
    p.add_argument("--data-dir", metavar="DIR", help="folder with NAME.npz files")
    p.add_argument("--model",
                   help="small_cnn, resnet8, inception_v3, or module:function")
    p.add_argument("--fitness", help=", ".join(FITNESS_MODES))
    p.add_argument("--mean-over-all", action="store_true",
                   help="average the improvement over all data sets, not only those won")
    p.add_argument("--output", metavar="DIR", help="the run's folder; default: one in runs/")
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
    execution.add_argument("--engine", help="local (worker processes) or ray (a cluster)")
    execution.add_argument("--address", help="of the Ray cluster; default: the one there is, "
                                             "or a local one")
    execution.add_argument("--gpus-per-training", type=float, help="GPUs of one training, by Ray")
    # Declared once, in RunSettings and Execution.
    p.set_defaults(**asdict(RunSettings()), **asdict(Execution()))
    return p


def main(argv=None):
    arguments = parser()
    chosen, _ = arguments.parse_known_args(argv)
    arguments.set_defaults(**PRESETS.get(chosen.preset, {}))
    options = vars(arguments.parse_args(argv))
    options.pop("preset")
    output = options.pop("output")
    options["datasets"] = tuple(options["datasets"])
    with resumable(arguments.prog, argv), refused(arguments.prog, prepare, options, output) as run:
        try:
            print(run.execute())
        except TrainingError as error:
            fail(arguments.prog, error)


def prepare(options, output):
    execution = Execution(**{f.name: options.pop(f.name) for f in fields(Execution)})
    settings = RunSettings(**options)
    check_tensorflow()
    from deap_lossgp.experiments import Run

    return Run(settings, output, execution=execution)


if __name__ == "__main__":
    sys.exit(main())
