"""A loss evaluated: for one-hot labels it is two functions of the predicted probability.

``grid`` is where they are evaluated, ``differentiation`` carries the derivative along, and
``loss_curves`` holds the two arrays with their certificate. On these stand ``canonical`` (which
losses train alike), ``screening`` (which can train at all), ``describing`` and ``cards`` (what a
loss does), and ``operations`` (a loss as operations of Keras, where the grid does not resolve it).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "canonical": ["AffineForm", "affine_form", "canonical_key"],
    "cards": ["LossCard"],
    "describing": ["describe"],
    "grid": ["CENTRE", "GRID", "KNOTS", "LOWEST", "interpolate", "logit", "probability"],
    "loss_curves": ["CROSS_ENTROPY_SCALE", "LossCurves"],
    "operations": ["elementwise_loss"],
    "screening": ["accuracy_gain", "in_value_range", "is_trainable"],
})
