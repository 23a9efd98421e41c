"""A loss evaluated: for one-hot labels it is two functions of the predicted probability.

``grid`` is where they are evaluated, ``differentiation`` carries the derivative along,
``loss_curves`` holds the two arrays and their certificate. On these stand ``canonical`` (which losses
train alike), ``screening`` (which can train at all), ``describing`` and ``cards`` (what a loss does),
and ``operations`` (a loss as operations of Keras, where the grid does not resolve it).
"""
