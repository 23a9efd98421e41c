"""Adam with one kernel for each variable."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops


class FusedAdam(keras.optimizers.Adam):
    """Adam that updates a variable with one kernel instead of about a dozen.

    The kernel writes into the moments of Keras's Adam, which are not public attributes. With a
    version of Keras that keeps them under other names, Keras's own step is taken. ``amsgrad`` is
    not supported.

    References:
        Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, arXiv:1412.6980.
    """

    def update_step(self, gradient: tf.Tensor, variable: Any,
                    learning_rate: Any) -> None:
        """Updates one variable.

        Args:
            gradient: The gradient of the loss, of the variable's shape.
            variable: A Keras variable that the optimizer was built on.
            learning_rate: The learning rate of this step.
        """
        try:
            weights, momentum, velocity = self._handles(variable)
        except AttributeError:
            super().update_step(gradient, variable, learning_rate)
            return
        step = ops.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=weights,
            m=momentum,
            v=velocity,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=ops.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )

    def _handles(self, variable):
        """Returns TensorFlow's handles of a variable and of its two moments."""
        index = self._get_variable_index(variable)
        moments = self._momentums[index], self._velocities[index]
        return [variable.handle, *[moment.value.handle for moment in moments]]
