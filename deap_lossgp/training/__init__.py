"""The training of one loss on one task, and the raw figures that it yields.

``tasks`` says what is trained (data set, network, budget) and ``candidates`` with which loss;
``trainer`` does it, on ``loop`` (the compiled epoch) and ``networks``; ``results`` is what comes out.
``keras_trainer`` trains in plain Keras instead. Only this wing needs TensorFlow when its rooms are
imported; ``tasks``, ``candidates`` and ``results`` do without.
"""
