"""Which operations of the compiled functions have no kernel on a GPU, or make it wait for the host.

    python tests/gpu_kernels.py [--networks small_cnn resnet8 inception_v3]

Needs no GPU, but the ``tensorflow`` wheel: its registry holds GPU kernels, tensorflow-cpu's does
not. Traces the epoch on curves, the epoch on a loss's operations, the validation and the new
beginning of every network, with and without augmentation and mixed precision, and walks them, the
bodies of their loops included. An operation is named where

* no kernel for its types is registered for a GPU: TensorFlow then runs it on the host;
* its kernel reads from the host's memory what another one left on the device, so that the host
  waits for the device: the arithmetic of int32 is such a kernel.

Exits with 1 where there is one, but for those of ``BY_NATURE``.
"""

import argparse
import os
import sys
from collections import Counter
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tensorflow.core.framework import types_pb2  # noqa: E402

BY_NATURE = {
    "PyFunc": "calls a loss's operations from Python, by its nature",
    "StatelessRandomGetKeyCounter": "takes Keras's seed from the host",
}
MISSING = "no kernel"
WAITS = "waits for the device"

# As a function's arguments and results, these are in the host's memory.
INT32, HANDLE = types_pb2.DT_INT32, types_pb2.DT_RESOURCE


@dataclass(frozen=True)
class Finding:
    """An operation of a function: its name, its types and what is the matter with it."""

    operation: str
    types: str
    fault: str

    @property
    def by_nature(self):
        return self.fault == BY_NATURE.get(self.operation)


def kernel_of(attributes, kernels):
    """The kernel that a GPU would run.

    Args:
        attributes: A node's attributes: a mapping from names to ``AttrValue``.
        kernels: The ``KernelDef`` of its operation.

    Returns:
        The ``KernelDef`` for GPUs, else one for any device; None if none is for these types.
    """
    for device in ("GPU", "DEFAULT"):
        for kernel in kernels:
            if kernel.device_type == device and all(
                attributes[constraint.name].type in constraint.allowed_values.list.type
                for constraint in kernel.constraint
                if constraint.allowed_values.list.type and attributes[constraint.name].type
            ):
                return kernel
    return None


def faults(function, kernels_of, operation_of):
    """What is the matter with the nodes of one function, whatever they call left aside.

    Args:
        function: A ``FunctionDef``.
        kernels_of: ``kernels_of(operation)``, its ``KernelDef``.
        operation_of: ``operation_of(operation)``, its ``OpDef``.

    Returns:
        A list of ``Finding``.
    """
    found, on_device = [], {}
    for argument in function.signature.input_arg:
        on_device[argument.name] = argument.type not in (INT32, HANDLE)
    chosen = {node.name: kernel_of(node.attr, kernels_of(node.op)) for node in function.node_def}
    folded = _folded(function)
    for node in function.node_def:
        for argument, _ in _arguments(node, operation_of(node.op).output_arg):
            kernel = chosen[node.name]
            on_device[f"{node.name}:{argument.name}"] = (
                node.name not in folded and _is_on_device(kernel, argument, node))
    for node in function.node_def:
        kernel = chosen[node.name]
        if node.op in BY_NATURE:
            found.append(Finding(node.op, _types(node), BY_NATURE[node.op]))
        elif kernel is None:
            found.append(Finding(node.op, _types(node), MISSING))
        else:
            slots = [argument
                     for argument, count in _arguments(node, operation_of(node.op).input_arg)
                     for _ in range(count)]
            data = [source for source in node.input if not source.startswith("^")]
            for argument, source in zip(slots, data, strict=True):
                if on_device[source.rpartition(":")[0] or source] and not _is_on_device(
                    kernel, argument, node
                ):
                    found.append(Finding(node.op, _types(node), f"{WAITS} ({argument.name})"))
    return found


def _folded(function):
    """The names of the nodes that TensorFlow computes before it runs anything: constants."""
    inputs = {node.name: [source.split(":")[0] for source in node.input]
              for node in function.node_def}
    folded = {node.name for node in function.node_def if node.op == "Const"}
    grown = True
    while grown:
        grown = {name for name, sources in inputs.items()
                 if name not in folded and sources and folded.issuperset(sources)}
        folded |= grown
    return folded


def _arguments(node, arguments):
    """Each argument of an operation's definition, and how many tensors the node has for it."""
    for argument in arguments:
        if argument.type_list_attr:
            yield argument, len(node.attr[argument.type_list_attr].list.type)
        else:
            yield argument, node.attr[argument.number_attr].i if argument.number_attr else 1


def _is_on_device(kernel, argument, node):
    if kernel is None or argument.name in kernel.host_memory_arg:
        return False
    kind = argument.type or node.attr[argument.type_attr].type
    calls = any(value.HasField("func") for value in node.attr.values())
    return kind not in (INT32, HANDLE) if calls else kind != HANDLE


def _types(node):
    import tensorflow as tf

    names = {tf.dtypes.as_dtype(value.type).name for value in node.attr.values() if value.type}
    return " ".join(sorted(names))


def reachable(concrete):
    """The ``FunctionDef`` of a concrete function and of all that it calls."""
    library = {function.signature.name: function
               for function in concrete.graph.as_graph_def().library.function}
    waiting, seen = [concrete.function_def], set()
    while waiting:
        function = waiting.pop()
        if function.signature.name in seen:
            continue
        seen.add(function.signature.name)
        yield function
        for node in function.node_def:
            for value in node.attr.values():
                names = [value.func.name, *(called.name for called in value.list.func)]
                waiting += [library[name] for name in names if name in library]


def audit(concrete):
    """What is the matter with a concrete function: a list of ``Finding``."""
    from functools import lru_cache

    from tensorflow.python.framework import kernels, op_def_registry

    kernels_of = lru_cache(None)(lambda name: kernels.get_registered_kernels_for_op(name).kernel)
    return [finding for function in reachable(concrete)
            for finding in faults(function, kernels_of, op_def_registry.get)]


def concrete_functions(trainer):
    """The compiled functions of a trainer by name, traced."""
    import tensorflow as tf

    loop = trainer.loop
    variables = [*loop.model.variables, *loop.optimizer.variables]
    values = [tf.TensorSpec(variable.shape, variable.dtype) for variable in variables]
    network = values[:len(loop.model.variables)]
    return {
        "epoch on curves": loop._train_on_curves.get_concrete_function(),
        "epoch, exact": loop._train_exactly.get_concrete_function(),
        "validation": loop._predict.get_concrete_function(trainer._validation[0], 8),
        "new beginning": loop._begin.get_concrete_function(values),
        "comparison": loop._differ.get_concrete_function(network),
    }


def trainer_of(network, **options):
    """A trainer on a few random images of CIFAR-10's shape."""
    import numpy as np

    from deap_lossgp.training import Trainer
    from deap_lossgp.training.tasks import Task

    images = np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3)).astype(np.uint8)
    labels = np.arange(200) % 10
    return Trainer(Task.from_arrays("random", images, labels, images, labels, network=network,
                                    epochs=1, batch_size=64, **options))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=["small_cnn", "resnet8", "inception_v3"])
    options = parser.parse_args()
    from tensorflow.python.framework import kernels

    if all(kernel.device_type != "GPU"
           for kernel in kernels.get_registered_kernels_for_op("Conv2D").kernel):
        sys.exit("expected the wheel tensorflow, which holds GPU kernels; this one holds none")
    total = 0
    for network in options.networks:
        for extra in ({}, {"augmentation": True}, {"mixed_precision": True}):
            trainer = trainer_of(network, **extra)
            for name, concrete in concrete_functions(trainer).items():
                counts = Counter(audit(concrete))
                open_ones = sum(n for finding, n in counts.items() if not finding.by_nature)
                total += open_ones
                print(f"{network:<13}{' '.join(extra) or 'plain':<17}{name:<17}{open_ones:>3}")
                for finding, count in counts.items():
                    print(f"    {count} x {finding.operation} ({finding.types}): {finding.fault}")
    print(f"{total} operations run on the host or wait for it")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
