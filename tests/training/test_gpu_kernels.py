"""The audit of GPU kernels, on functions with known faults and an invented registry."""

import pytest

tf = pytest.importorskip("tensorflow")

from google.protobuf import text_format  # noqa: E402
from gpu_kernels import MISSING, faults, reachable  # noqa: E402
from tensorflow.core.framework.kernel_def_pb2 import KernelDef  # noqa: E402
from tensorflow.python.framework import op_def_registry  # noqa: E402

OF_INT32 = 'constraint { name: "T" allowed_values { list { type: DT_INT32 } } }'
OF_FLOAT = 'constraint { name: "T" allowed_values { list { type: DT_FLOAT } } }'
REGISTRY = {
    "Neg": [f'device_type: "CPU" {OF_INT32}', f'device_type: "GPU" {OF_FLOAT}'],
    "Maximum": [
        f'device_type: "GPU" {OF_FLOAT}',
        f'device_type: "DEFAULT" {OF_INT32} host_memory_arg: ["x", "y", "z"]',
    ],
}


def kernels_of(operation):
    return [text_format.Parse(text, KernelDef(op=operation))
            for text in REGISTRY.get(operation, ['device_type: "DEFAULT"'])]


def faults_of(function, kind):
    concrete = tf.function(function).get_concrete_function(tf.TensorSpec([3], kind))
    return [(finding.operation, finding.fault) for definition in reachable(concrete)
            for finding in faults(definition, kernels_of, op_def_registry.get)]


def test_a_kernel_of_other_types_or_for_the_cpu_is_none():
    assert faults_of(tf.negative, tf.float32) == []
    assert faults_of(tf.negative, tf.int32) == [("Neg", MISSING)]


def test_the_host_waits_where_a_kernel_reads_there_what_lies_on_the_device():
    def on_device(x):
        return tf.maximum(tf.cast(x, tf.int32), 1)

    ((operation, fault),) = faults_of(on_device, tf.float32)
    assert operation == "Maximum" and fault.endswith("(x)")
    assert faults_of(lambda x: tf.maximum(x, 1), tf.int32) == []  # it is on the host already


def test_nobody_waits_for_what_is_computed_from_constants_beforehand():
    def constant(x):
        return tf.maximum(tf.cast(tf.constant(2.5), tf.int32), x)

    assert faults_of(constant, tf.int32) == []


def test_the_bodies_of_loops_are_walked():
    def loop(x):
        return tf.while_loop(lambda step, _: step < 3, lambda step, y: (step + 1, -y), [0, x])[1]

    assert faults_of(loop, tf.int32) == [("Neg", MISSING)]
