"""The training of one loss on one task, and the raw figures that it yields.

``tasks`` says what is trained (data set, network, budget) and ``candidates`` with which loss;
``trainer`` does it, on ``networks`` and ``loop`` (the compiled epoch, with ``look_up`` and
``adam``); ``results`` is what comes out. ``keras_trainer`` trains in plain Keras instead, and
``tensorflow_setup`` prepares a process. Only rooms of this wing import TensorFlow when they are
imported; ``tasks``, ``candidates`` and ``results`` do without, and so does this face.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "budget": ["Budget"],
    "candidates": ["Candidate", "candidate_of"],
    "keras_trainer": ["KerasTrainer"],
    "networks": ["build_model", "inception_v3", "load_network", "resnet8", "small_cnn"],
    "results": ["TrainingResult"],
    "tasks": ["Task", "reduce_on_plateau"],
    "tensorflow_setup": ["check_tensorflow", "import_tensorflow", "prepare_tensorflow"],
    "trainer": ["Trainer"],
})
