"""Numerical predictions, and the statistics of comparing them with measurements."""

if __name__ != "scalewright.sim":
    raise ImportError("this folder is a room of the scalewright package: import it as scalewright.sim")
