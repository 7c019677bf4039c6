"""Everything the paper's reproduction runs, in order, and how each result is judged and drawn."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from scalewright.papers.feature_strength import network_catalogue, toy_catalogue
from scalewright.papers.feature_strength.settings import Scale
from scalewright.papers.stages import Stage
from scalewright.sim.verdict import Verdict

Results = Mapping[str, xr.Dataset]


def chain(scale: Scale, device: str) -> list[Stage]:
    """Return the stages with real networks, by torch."""
    return network_catalogue.stages(scale, device)


def beyond(scale: Scale, device: str) -> list[Stage]:
    """Return the stages of the toys."""
    return toy_catalogue.stages(scale)


def judge_chain(results: Results) -> list[Verdict]:
    """Return the rows of the networks."""
    return network_catalogue.judge(results)


def judge_beyond(results: Results) -> list[Verdict]:
    """Return the rows of the toys."""
    return toy_catalogue.judge(results)


def draw_all(results: Results, scale: str) -> dict[str, Any]:
    """Return every picture of the paper by name."""
    return toy_catalogue.draw(results) | network_catalogue.draw(results)


CAPTIONS = toy_catalogue.CAPTIONS | network_catalogue.CAPTIONS
