"""Evolves a loss function for image classifiers.

With no arguments it evolves one on scikit-learn's digits, in about a minute:

    python examples/evolve_loss.py

The thesis's small scale, which wants a GPU:

    python examples/evolve_loss.py --preset small
"""

import sys
from dataclasses import asdict

from deap_lossgp.cli import CommandParser, fail, import_tensorflow, refused
from deap_lossgp.fitness import FITNESS_MODES
from deap_lossgp.settings import RunSettings

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
    training.add_argument("--threads", type=int,
                          help="threads per operation on the CPU; more for large networks")
    training.add_argument("--mixed-precision", action="store_true",
                          help="bfloat16 inside the network (GPUs)")
    training.add_argument("--jit-compile", action="store_true", help="XLA (GPUs)")
    training.add_argument("--test-seeds", type=int,
                          help="trainings per loss for the final comparison on the test set")
    # Declared once, in RunSettings.
    p.set_defaults(**asdict(RunSettings()))
    return p


def main(argv=None):
    arguments = parser()
    chosen, _ = arguments.parse_known_args(argv)
    arguments.set_defaults(**PRESETS.get(chosen.preset, {}))
    options = vars(arguments.parse_args(argv))
    options.pop("preset")
    output = options.pop("output")
    options["datasets"] = tuple(options["datasets"])
    run = refused(arguments.prog, prepare, options, output)
    from deap_lossgp.evaluation import BaselineError

    try:
        print(run.execute())
    except BaselineError as error:
        fail(arguments.prog, error)


def prepare(options, output):
    settings = RunSettings(**options)
    import_tensorflow()
    from deap_lossgp.experiments import Run
    from deap_lossgp.loops import prepare_tensorflow

    prepare_tensorflow(settings.threads)
    return Run(settings, output)


if __name__ == "__main__":
    sys.exit(main())
