"""Judge the updates of every layer: their powers of the width, and where the losses part."""

import numpy as np
import xarray as xr

from scalewright.nets import CoordinateCheck
from scalewright.papers.large_learning_rates import coordinates
from scalewright.papers.large_learning_rates.coordinates import Check
from scalewright.papers.large_learning_rates.onesided import beyond
from scalewright.papers.large_learning_rates.readings import (
    HIDDEN,
    LOGITS,
    after,
    crossing,
    difference,
    last_hidden,
)
from scalewright.sim.verdict import Verdict, judge


def updates(id: str, check: Check, data: xr.Dataset, *, step: int | None = None) -> list[Verdict]:
    """Every part of the updates has its predicted power: input, last hidden and readout layer."""
    found = coordinates.of(data, check, step=step)
    hidden = last_hidden(int(data.attrs["layers"]))
    wanted = (
        ("input.weight", "effective", HIDDEN),
        (hidden, "effective", HIDDEN),
        ("readout.weight", "effective", LOGITS),
        ("readout.weight", "propagating", LOGITS),
        ("readout.weight", "total", LOGITS),
    )
    return [_update(id, check, found, *row) for row in wanted]


def _update(id: str, check: Check, found: CoordinateCheck, layer: str, part: str, band: float) -> Verdict:
    step, power = found.steps[0], getattr(found.predicted[layer], part)
    name = layer.removesuffix(".weight")
    return judge(
        f"{id}-{name.split('.')[0]}-{part}",
        f"{check.label}: the {part} update of {name} {after(step)} scales as n^{power:g}",
        found.slope(layer, part, step=step),
        predicted=power,
        tolerance=band,
        basis="theory.profile",
    )


def later(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """After several steps hidden layers still move as predicted."""
    found = coordinates.of(data, check)
    hidden = last_hidden(int(data.attrs["layers"]))
    power = found.predicted[hidden].effective
    return [
        judge(
            f"{id}-hidden-later",
            f"{check.label}: the effective update of the last hidden layer {after(found.steps[-1])} scales "
            f"as n^{power:g}",
            found.slope(hidden, "effective"),
            predicted=power,
            tolerance=LOGITS,
            basis="theory.profile; the errors on the samples differ between widths by then",
        )
    ]


def rising(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """After several steps the propagating update of the readout comes to its power from below."""
    found = coordinates.of(data, check)
    step, half = found.steps[-1], len(found.data.width) // 2 + 1
    parts = [found.data.isel(width=slice(0, half)), found.data.isel(width=slice(-half, None))]
    low, high = (
        CoordinateCheck(part, {}, ()).slope("readout.weight", "propagating", step=step) for part in parts
    )
    power = found.predicted["readout.weight"].propagating
    return [
        beyond(
            f"{id}-rising",
            f"{check.label}: {after(step)} the propagating update of the readout has the same local power at "
            f"wide networks ({high.value:.2f}) as at narrow ones ({low.value:.2f}); its limit is {power:g}",
            difference(high, low),
            bound=0.0,
            tolerance=0.0,
            side="above",
            basis="it converges slowly from below: the step's direction forgets the signs of the initial "
            "readout",
        )
    ]


def lazy(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """At its largest stable power the squared loss leaves hidden layers lazy: they move as n^-1/2."""
    found = coordinates.of(data, check, step=1)
    hidden, step = last_hidden(int(data.attrs["layers"])), found.steps[0]
    power = found.predicted[hidden].total
    return [
        judge(
            f"{id}-hidden",
            f"{check.label}: the whole update of the last hidden layer {after(step)} scales as n^{power:g}",
            found.slope(hidden, "total", step=step),
            predicted=power,
            tolerance=LOGITS,
            basis="theory.profile",
        )
    ]


def same_under_adam(id: str, check: Check, data: xr.Dataset, other: xr.Dataset) -> list[Verdict]:
    """After several steps of Adam the squared loss has moved every layer by the power of cross-entropy."""
    found, step = coordinates.of(data, check), int(data.step.values[-1])
    hidden = last_hidden(int(data.attrs["layers"]))
    common = other.sel(width=data.width.values)
    rows = []
    for layer, part, band in (
        ("input.weight", "effective", HIDDEN),
        (hidden, "effective", LOGITS),
        ("readout.weight", "total", LOGITS),
    ):
        own = found.slope(layer, part, step=step)
        theirs = CoordinateCheck(common, {}, ()).slope(layer, part, step=step)
        name = layer.removesuffix(".weight")
        rows.append(
            judge(
                f"{id}-{name.split('.')[0]}",
                f"{check.label}: the {part} update of {name} {after(step)} has the power of the width that "
                f"it has under cross-entropy ({theirs.value:.2f}), minus it",
                difference(own, theirs),
                predicted=0.0,
                tolerance=band,
                basis="a step of Adam does not read how large the residual is",
            )
        )
    return rows


def gap(checks: dict[str, Check], results: dict[str, xr.Dataset]) -> list[Verdict]:
    """Two layers at rate n^0: from the second step on the losses move the input layer differently."""
    slopes = {}
    for loss, check in checks.items():
        found = coordinates.of(results[loss], check, step=2)
        slopes[loss] = found.slope("input.weight", "effective", step=found.steps[-1])
    predicted = coordinates.predicted(checks["cross-entropy"], 2, step=2)["input.weight"].effective
    return [
        judge(
            "gap-cross-entropy",
            f"{checks['cross-entropy'].label}: the effective update of the input layer after 2 steps scales "
            f"as n^{predicted:g}",
            slopes["cross-entropy"],
            predicted=predicted,
            tolerance=LOGITS,
            basis="theory.profile, second step",
        ),
        beyond(
            "gap-control",
            "Two layers, SGD at n^0: after 2 steps the input layer moves by the same power of the width "
            "under the squared loss as under cross-entropy",
            difference(slopes["mse"], slopes["cross-entropy"]),
            bound=0.0,
            tolerance=LOGITS,
            side="above",
            basis="the squared loss feeds the grown logits back, the softmax does not",
        ),
    ]


def adam_edge(checks: dict[str, tuple[Check, xr.Dataset]]) -> list[Verdict]:
    """Under Adam the edge is where the hidden layer's update stops growing with the width."""
    powers, slopes = [], []
    for check, data in checks.values():
        found = coordinates.of(data, check, step=1)
        assert check.power is not None
        powers.append(float(check.power))
        slopes.append(found.slope(last_hidden(int(data.attrs["layers"])), "effective", step=found.steps[0]))
    return [
        judge(
            "edge-adam-coordinates",
            "Adam: the rate n^-c at which the effective update of the last hidden layer neither grows nor "
            f"falls, between c = {min(powers):g} and {max(powers):g}",
            crossing(np.array(powers), slopes),
            predicted=1.0,
            tolerance=LOGITS,
            basis="theory.edges: bounded features up to n^-1",
        )
    ]
