"""Trains found losses in plain Keras beside cross entropy and NGL, over seeds, in pairs.

Does the loss of a run help, and does it help a larger network than the one it was found on?

    python examples/train_with_loss.py runs/MY_RUN --model small_cnn resnet8 --seeds 7

LOSS is a run's folder, a best_loss.json, or the name of a known loss. The same command with more
seeds, losses, models or data sets goes on in the same --output.
"""

import sys
from dataclasses import asdict, fields

from deap_lossgp.commands import CommandParser, refused, resumable
from deap_lossgp.comparison import OPTIMIZERS, ConfirmationSettings
from deap_lossgp.found_losses import KNOWN_LOSSES


def main(argv=None):
    p = CommandParser("Train losses side by side in plain Keras, over seeds, with statistics.")
    p.add_argument("losses", nargs="+", metavar="LOSS",
                   help=f"a best_loss.json, the folder of a run, or {', '.join(KNOWN_LOSSES)}")
    p.add_argument("--compare", nargs="*", metavar="LOSS",
                   help="further losses; cross entropy is always there")
    p.add_argument("--datasets", nargs="+", metavar="NAME_OR_FOLDER",
                   help="digits, fashion_mnist, cifar10, cifar100, NAME for DIR/NAME.npz, or the "
                        "path of a folder of class folders of images, or of a .npz file")
    p.add_argument("--data-dir", metavar="DIR", help="folder with NAME.npz files")
    p.add_argument("--image-size", metavar="N|HxW",
                   help="size to which images in folders are resized; default: 32")
    p.add_argument("--image-mode", metavar="grey|rgb",
                   help="what images in folders are made; default: grey if all are, else rgb")
    p.add_argument("--model", dest="models", nargs="+", metavar="NAME",
                   help="small_cnn, resnet8, inception_v3, or module:function")
    p.add_argument("--seeds", type=int, help="trainings of each loss on each data set and model")
    p.add_argument("--seed", type=int, help="from which these seeds are drawn; an evolution with "
                                            "the same --seed has others")
    p.add_argument("--output", metavar="DIR", help="the folder; default: one in runs/")

    training = p.add_argument_group("training")
    training.add_argument("--epochs", type=int, help="epochs per training")
    training.add_argument("--train-size", type=int,
                          help="images used, validation included; default: all")
    training.add_argument("--validation-share", type=float,
                          help="share of them kept for validation")
    training.add_argument("--batch-size", type=int, help="images per step")
    training.add_argument("--optimizer", help=" or ".join(OPTIMIZERS) + " (with momentum 0.9)")
    training.add_argument("--learning-rate", type=float, help="of the optimizer")
    training.add_argument("--scale", type=_scale, metavar="NUMBER|cross_entropy",
                          help="what a loss is multiplied by; cross_entropy: so that its gradients "
                               "are as large as cross entropy's, as in the evolution")
    training.add_argument("--augmentation", action="store_true",
                          help="shift, zoom and mirror training images")
    training.add_argument("--mixed-precision", action="store_true",
                          help="bfloat16 inside the network (GPUs)")
    training.add_argument("--threads", type=int, default=1,
                          help="threads per operation on the CPU; more for large networks")
    p.set_defaults(**asdict(ConfirmationSettings()))
    with resumable(p.prog, argv), refused(p.prog, prepare, p.parse_args(argv)) as confirmation:
        print(confirmation.execute())


def prepare(options):
    values = {f.name: getattr(options, f.name) for f in fields(ConfirmationSettings)}
    settings = ConfirmationSettings(**{
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    })
    from deap_lossgp.comparison import Confirmation

    return Confirmation(options.losses, settings, options.output, threads=options.threads)


def _scale(text):
    try:
        return float(text)
    except ValueError:
        return text


if __name__ == "__main__":
    sys.exit(main())
