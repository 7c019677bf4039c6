"""Derive how neural networks must be scaled: exact exponents, each with a proof."""

if __name__ != "scalewright.theory":
    raise ImportError("this folder is a room of the scalewright package: import it as scalewright.theory")

from scalewright.theory.power import Power

__all__ = ["Power"]
