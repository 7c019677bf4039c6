"""Numerical predictions, and the statistics of comparing them with measurements."""

from typing import Any

if __name__ != "scalewright.sim":
    raise ImportError("this folder is a room of the scalewright package: import it as scalewright.sim")


def __getattr__(name: str) -> Any:
    """Import `sim.dmft` and its neighbours at first use, so that importing `sim` stays light."""
    from importlib import import_module

    if name not in ("compare", "dmft", "fluctuations", "kernels", "richness", "uv"):
        raise AttributeError(f"module 'scalewright.sim' has no attribute {name!r}")
    return import_module(f"scalewright.sim.{name}")
