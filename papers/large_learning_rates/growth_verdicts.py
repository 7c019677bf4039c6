"""Judge what grows: logits inside the window, everything below it and under the squared loss."""

import xarray as xr

from scalewright.nets import CoordinateCheck
from scalewright.papers.large_learning_rates import coordinates
from scalewright.papers.large_learning_rates.coordinates import Check
from scalewright.papers.large_learning_rates.onesided import beyond
from scalewright.papers.large_learning_rates.readings import (
    FLAT,
    LOGITS,
    after,
    last_hidden,
    slope_of,
)
from scalewright.sim.verdict import Verdict, judge


def growth(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """Inside the window logits grow as n^(1-c); activations and rescaled gradients stay."""
    found = coordinates.of(data, check, step=1)
    first, last = found.steps[0], found.steps[-1]
    power = found.predicted["readout.weight"].total
    hidden = last_hidden(int(data.attrs["layers"]))
    sizes = coordinates.profiled(check, int(data.attrs["layers"])).row(hidden.removesuffix(".weight"))
    size, gradient = float(sizes.size), float(sizes.gradient)
    return [
        judge(
            f"{id}-logits",
            f"{check.label}: the change of the logits {after(first)} scales as n^{power:g}",
            found.slope("readout.weight", "total", step=first),
            predicted=power,
            tolerance=LOGITS,
            basis="theory.profile: 1 - c",
        ),
        judge(
            f"{id}-activations",
            f"{check.label}: activations of the last hidden layer {after(last)} scale as n^{size:g}",
            found.slope(hidden, "activation", step=last),
            predicted=size,
            tolerance=FLAT,
            basis="theory.profile: bounded features",
        ),
        judge(
            f"{id}-gradients",
            f"{check.label}: gradients in the last hidden layer {after(last)} scale as n^{gradient:g}, as "
            "the initial readout",
            found.slope(hidden, "gradient", step=last),
            predicted=gradient,
            tolerance=FLAT,
            basis="theory.profile: the softmax bounds the loss's derivative",
        ),
    ]


def growth_later(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """After several steps the logits still grow with the same power."""
    found = coordinates.of(data, check)
    power = found.predicted["readout.weight"].total
    return [
        judge(
            f"{id}-logits-later",
            f"{check.label}: the change of the logits {after(found.steps[-1])} scales as n^{power:g}",
            found.slope("readout.weight", "total"),
            predicted=power,
            tolerance=LOGITS,
            basis="theory.profile: 1 - c at every step",
        )
    ]


def squared(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """The squared loss feeds grown logits back: after several steps they grow with a larger power."""
    step = int(data.step.values[-1])
    assert check.power is not None
    return [
        beyond(
            f"{id}-control",
            f"{check.label}: the change of the logits {after(step)} scales as n^{float(1 - check.power):g}, "
            "as under cross-entropy",
            slope_of(CoordinateCheck(data, {}, ()), "readout.weight", "total", step),
            bound=float(1 - check.power),
            tolerance=LOGITS,
            side="above",
            basis="theory.mechanism: 1 - c more at every step",
        )
    ]


def catastrophic(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """Below the window activations grow: that they don't is the control."""
    found = coordinates.of(data, check)
    hidden = last_hidden(int(data.attrs["layers"]))
    return [
        beyond(
            f"{id}-control",
            f"{check.label}: activations of the last hidden layer {after(found.steps[-1])} don't grow",
            slope_of(found, hidden, "activation", found.steps[-1]),
            bound=0.0,
            tolerance=FLAT,
            side="above",
            basis="theory.edges: below the window features grow with the width",
        )
    ]
