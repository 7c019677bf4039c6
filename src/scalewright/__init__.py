"""Scalewright: derive how networks must be scaled, predict, train, and say whether the prediction held."""

__version__ = "0.1.0"
