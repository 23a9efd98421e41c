"""A loss evaluated: for one-hot labels it is two functions of the predicted probability.

``grid`` has the probabilities at which losses are evaluated, ``differentiation`` evaluates a tree
and its derivative, and ``loss_curves`` holds the two arrays. A network is trained with
``segments``, parabolas between knots of the loss's own, if ``loss_curves`` certifies them.
``operations`` makes a loss of Keras's operations. The other rooms read the curves: ``screening``
tells which losses can train, ``canonical`` which are the same loss, and ``describing`` fills a
loss's card (``cards``), with ``growth`` and ``similarity``. ``bumps`` goes the other way: from a
few numbers to a tree with the curves that they describe.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
