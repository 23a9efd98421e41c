"""Adam as one kernel for each variable."""

import keras
import tensorflow as tf
from keras import ops


class FusedAdam(keras.optimizers.Adam):
    """Adam whose step of a variable is one kernel, not a dozen; ``amsgrad`` it has not.

    The kernel writes into the moments that Keras's Adam keeps. Keras does not promise where it
    keeps them: a version that does so elsewhere takes its own steps.
    """

    def update_step(self, gradient, variable, learning_rate):
        """Takes the step of one variable, given its gradient."""
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
        index = self._get_variable_index(variable)
        moments = self._momentums[index], self._velocities[index]
        return [variable.handle, *[moment.value.handle for moment in moments]]
