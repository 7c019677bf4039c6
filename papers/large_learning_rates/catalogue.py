"""Everything the paper's reproduction runs, in order, and how each result is judged and drawn."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from scalewright.papers.large_learning_rates.settings import Scale
from scalewright.papers.stages import Stage
from scalewright.sim.verdict import Verdict

Results = Mapping[str, xr.Dataset]


def chain(scale: Scale, device: str) -> list[Stage]:
    """Return the stages of theory and of toys, by numpy."""
    return []


def beyond(scale: Scale, device: str) -> list[Stage]:
    """Return the stages with real networks, by torch."""
    return []


def judge_chain(results: Results) -> list[Verdict]:
    """Return the rows of theory and of toys."""
    return []


def judge_beyond(results: Results) -> list[Verdict]:
    """Return the rows of the real networks."""
    return []


def draw_all(results: Results, scale: str) -> dict[str, Any]:
    """Return every picture of the paper by name."""
    return {}


CAPTIONS: dict[str, str] = {}
