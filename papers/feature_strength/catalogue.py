"""Everything the paper's reproduction runs, in order, and how each result is judged and drawn."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import xarray as xr

from scalewright.papers.feature_strength import network_figures, network_verdicts, networks, toy_catalogue
from scalewright.papers.feature_strength.settings import ACTIVATIONS, LAYERS, Scale
from scalewright.papers.stages import Stage
from scalewright.sim.verdict import Verdict

Results = Mapping[str, xr.Dataset]


def chain(scale: Scale, device: str) -> list[Stage]:
    """Return the stages with real networks, by torch."""
    return [
        Stage(f"sharpness-{kind}-{layers}", partial(networks.sharpness, scale, kind, layers, device=device))
        for kind in ACTIVATIONS
        for layers in LAYERS
    ]


def beyond(scale: Scale, device: str) -> list[Stage]:
    """Return the stages of the toys."""
    return toy_catalogue.stages(scale)


def judge_chain(results: Results) -> list[Verdict]:
    """Return the rows of the networks."""
    rows: list[Verdict] = []
    for kind in ACTIVATIONS:
        for layers in LAYERS:
            rows += network_verdicts.sharpness(results[f"sharpness-{kind}-{layers}"])
    return rows


def judge_beyond(results: Results) -> list[Verdict]:
    """Return the rows of the toys."""
    return toy_catalogue.judge(results)


def draw_all(results: Results, scale: str) -> dict[str, Any]:
    """Return every picture of the paper by name."""
    return toy_catalogue.draw(results) | {
        "sharpness": network_figures.plot_sharpness(
            {
                kind: {layers: results[f"sharpness-{kind}-{layers}"] for layers in LAYERS}
                for kind in ACTIVATIONS
            }
        ),
    }


CAPTIONS = toy_catalogue.CAPTIONS | {
    "sharpness": "Sharpness at convergence against gamma, a dot a network; lines: the toy's "
    "L (1 + gamma)^(2 (L-1)/L) / gamma^2, moved to the networks at the largest gamma.",
}
