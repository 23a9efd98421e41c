"""An extension of DEAP that evolves loss functions for image classifiers."""

__version__ = "0.1.0"
