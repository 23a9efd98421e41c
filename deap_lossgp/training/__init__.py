"""Trains one loss on one task and returns the raw figures.

``tasks`` says what is trained (data set, network, ``budget``), ``candidates`` with which loss.
``trainer`` trains: it builds one of the ``networks`` and runs ``loop``, the compiled epoch, which
uses ``look_up`` and ``adam``. ``results`` holds the figures. ``keras_trainer`` trains in plain
Keras instead, from an ``initial_state``; ``tensorflow_setup`` prepares a process, and
``process_settings`` fixes what Keras has set there. No other wing imports TensorFlow when it is
imported. In this wing ``tasks``, ``budget``, ``candidates`` and
``results`` do not need it, nor does this face.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
