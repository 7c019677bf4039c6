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
    halves,
    last_hidden,
    over_seeds,
    seed_slopes,
)
from scalewright.sim.fit import Estimate
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
    """After several steps hidden layers still move as predicted, in the wider half of the networks."""
    found = coordinates.of(halves(data)[1], check)
    hidden = last_hidden(int(data.attrs["layers"]))
    power = found.predicted[hidden].effective
    return [
        judge(
            f"{id}-hidden-later",
            f"{check.label}: from width {found.data.width.values[0]} on the effective update of the last "
            f"hidden layer {after(found.steps[-1])} scales as n^{power:g}",
            found.slope(hidden, "effective"),
            predicted=power,
            tolerance=LOGITS,
            basis="theory.profile; where logits pass 1, later steps start to undo earlier ones",
        )
    ]


def rising(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """After several steps the propagating update of the readout comes to its power from below."""
    found = coordinates.of(data, check)
    step = found.steps[-1]
    low, high = (seed_slopes(part, "readout.weight", "propagating", step) for part in halves(data))
    power = found.predicted["readout.weight"].propagating
    wide, narrow = (float(np.nanmean(slopes)) for slopes in (high, low))
    return [
        beyond(
            f"{id}-rising",
            f"{check.label}: {after(step)} the propagating update of the readout has the same local power at "
            f"wide networks ({wide:.2f}) as at narrow ones ({narrow:.2f}); its limit is {power:g}",
            over_seeds(high - low),
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
    """After several steps of Adam the squared loss has moved the layers by the powers of cross-entropy.

    Logits grow no faster, at least: that their power is `LOGITS` larger must be missed. Later steps undo
    earlier ones, the more the larger the residual has grown.
    """
    wide, step = halves(data)[1], int(data.step.values[-1])
    found = coordinates.of(wide, check)
    common = CoordinateCheck(other.sel(width=wide.width.values), {}, ())
    hidden, start = last_hidden(int(data.attrs["layers"])), int(wide.width.values[0])

    def compared(layer: str, part: str) -> tuple[Estimate, str]:
        own, theirs = found.slope(layer, part, step=step), common.slope(layer, part, step=step)
        words = (
            f"{check.label}: from width {start} on the {part} update of {layer.removesuffix('.weight')} "
            f"{after(step)} has the power of the width that it has under cross-entropy ({theirs.value:.2f})"
        )
        return difference(own, theirs), words

    basis = "a step of Adam does not read how large the residual is"
    rows = []
    for layer, name, part, band in (
        ("input.weight", "input", "effective", HIDDEN),
        (hidden, "hidden", "effective", LOGITS),
        ("readout.weight", "readout", "total", LOGITS),
    ):
        gap, words = compared(layer, part)
        row = judge(f"{id}-{name}", f"{words}, minus it", gap, predicted=0.0, tolerance=band, basis=basis)
        rows.append(row)
    return [
        *rows,
        beyond(f"{id}-no-faster", f"{words} plus {LOGITS:g}", gap, bound=LOGITS, side="below", basis=basis),
    ]


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
    """Under Adam the first update of the hidden layers keeps its size at n^-1, the edge of theory."""
    powers, slopes = [], []
    count = min(data.sizes["width"] for _, data in checks.values())
    for check, data in checks.values():
        assert check.power is not None
        powers.append(float(check.power))
        wide = data.isel(width=slice(-count, None))
        slopes.append(seed_slopes(wide, last_hidden(int(data.attrs["layers"])), "effective", 1))
    return [
        judge(
            "edge-adam-coordinates",
            "Adam: the rate n^-c at which the first effective update of the last hidden layer neither grows "
            f"nor falls, between c = {min(powers):g} and {max(powers):g}",
            crossing(np.array(powers), np.stack(slopes)),
            predicted=1.0,
            tolerance=LOGITS,
            basis="theory.edges: bounded features up to n^-1",
        )
    ]
