"""Judge the coordinate checks: powers of the updates, of logits and gradients, and alignment."""

import math

import numpy as np
import xarray as xr

from scalewright.nets import CoordinateCheck
from scalewright.papers.large_learning_rates import coordinates
from scalewright.papers.large_learning_rates.coordinates import Check
from scalewright.papers.large_learning_rates.onesided import beyond
from scalewright.sim import fit
from scalewright.sim.fit import Slope
from scalewright.sim.verdict import Verdict, judge

#: Half widths of the bands: of what hidden layers do, of what logits do, of sizes that should not move.
HIDDEN, LOGITS, FLAT = 0.1, 0.15, 0.1


def last_hidden(layers: int) -> str:
    """Return the name of the last hidden matrix."""
    return f"hidden.{layers - 3}.weight"


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
        f"{check.label}: the {part} update of {name} after {_steps(step)} scales as n^{power:g}",
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
            f"{check.label}: the effective update of the last hidden layer after {_steps(found.steps[-1])} "
            f"scales as n^{power:g}",
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
            f"{check.label}: after {_steps(step)} the propagating update of the readout has the same local "
            f"power at wide networks ({high.value:.2f}) as at narrow ones ({low.value:.2f}); its limit is "
            f"{power:g}",
            _difference(high, low),
            bound=0.0,
            tolerance=0.0,
            side="above",
            basis="it converges slowly from below: the step's direction forgets the signs of the initial "
            "readout",
        )
    ]


def _difference(high: Slope, low: Slope) -> fit.Estimate:
    """Return the difference of two slopes; their shared middle width makes the error a little too large."""
    error = float(np.hypot(high.standard_error, low.standard_error))
    half = float(np.hypot(high.high - high.value, low.high - low.value))
    value = high.value - low.value
    return fit.Estimate(value, error, value - half, value + half, min(high.replicates, low.replicates))


def growth(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """Inside the window logits grow as n^(1-c); activations and rescaled gradients stay."""
    found = coordinates.of(data, check, step=1)
    first, last = found.steps[0], found.steps[-1]
    power = found.predicted["readout.weight"].total
    hidden = last_hidden(int(data.attrs["layers"]))
    return [
        judge(
            f"{id}-logits",
            f"{check.label}: the change of the logits after {_steps(first)} scales as n^{power:g}",
            found.slope("readout.weight", "total", step=first),
            predicted=power,
            tolerance=LOGITS,
            basis="theory.profile: 1 - c",
        ),
        judge(
            f"{id}-activations",
            f"{check.label}: activations of the last hidden layer after {_steps(last)} don't grow",
            found.slope(hidden, "activation", step=last),
            predicted=0.0,
            tolerance=FLAT,
            basis="theory.profile: bounded features",
        ),
        judge(
            f"{id}-gradients",
            f"{check.label}: gradients in the last hidden layer after {_steps(last)} keep the power -1/2 of "
            "the initial readout",
            found.slope(hidden, "gradient", step=last),
            predicted=-0.5,
            tolerance=FLAT,
            basis="chi is bounded by the softmax",
        ),
    ]


def growth_later(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """After several steps the logits still grow with the same power."""
    found = coordinates.of(data, check)
    power = found.predicted["readout.weight"].total
    return [
        judge(
            f"{id}-logits-later",
            f"{check.label}: the change of the logits after {_steps(found.steps[-1])} scales as n^{power:g}",
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
            f"{check.label}: the change of the logits after {_steps(step)} scales as "
            f"n^{float(1 - check.power):g}, as "
            "under cross-entropy",
            _slope(CoordinateCheck(data, {}, ()), "readout.weight", "total", step),
            bound=float(1 - check.power),
            tolerance=LOGITS,
            side="above",
            basis="theory.mechanism: 1 - c more at every step",
        )
    ]


def _slope(found: CoordinateCheck, layer: str, quantity: str, step: int) -> fit.Estimate:
    """Return a slope, or no number where too few runs stayed finite for one."""
    try:
        return found.slope(layer, quantity, step=step)
    except ValueError:
        return fit.Estimate(math.nan, math.nan, math.nan, math.nan)


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
                f"{check.label}: the {part} update of {name} after {_steps(step)} has the power of the "
                "width that "
                f"it has under cross-entropy ({theirs.value:.2f}), minus it",
                _difference(own, theirs),
                predicted=0.0,
                tolerance=band,
                basis="a step of Adam does not read how large the residual is",
            )
        )
    return rows


def catastrophic(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """Below the window activations grow: that they don't is the control."""
    found = coordinates.of(data, check)
    hidden = last_hidden(int(data.attrs["layers"]))
    return [
        beyond(
            f"{id}-control",
            f"{check.label}: activations of the last hidden layer after {_steps(found.steps[-1])} don't grow",
            _slope(found, hidden, "activation", found.steps[-1]),
            bound=0.0,
            tolerance=FLAT,
            side="above",
            basis="theory.edges: below the window features grow with the width",
        )
    ]


def alignment(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """The alignment of updates with what they act on does not depend on the width."""
    found = coordinates.of(data, check)
    hidden = last_hidden(int(data.attrs["layers"]))
    own, passed = "effective_operator_alignment", "propagating_operator_alignment"
    rows = (
        ("hidden-effective", hidden, own, "(W_t - W_0, x_t) of the last hidden layer"),
        ("readout-effective", "readout.weight", own, "(W_t - W_0, x_t) of the readout"),
        ("readout-propagating", "readout.weight", passed, "(W_0, x_t - x_0) of the readout"),
    )
    return [
        judge(
            f"alignment-{name}",
            f"{check.label}: the operator alignment of {what} after one step does not depend on the width",
            found.slope(layer, quantity, step=found.steps[0]),
            predicted=0.0,
            tolerance=FLAT,
            basis="alignment exponents 1 in operator norm",
        )
        for name, layer, quantity, what in rows
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
            "as "
            f"n^{predicted:g}",
            slopes["cross-entropy"],
            predicted=predicted,
            tolerance=LOGITS,
            basis="theory.profile, second step",
        ),
        beyond(
            "gap-control",
            "Two layers, SGD at n^0: after 2 steps the input layer moves by the same power of the width "
            "under "
            "the squared loss as under cross-entropy",
            _difference(slopes["mse"], slopes["cross-entropy"]),
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


def crossing(powers: np.ndarray, slopes: list[Slope]) -> fit.Estimate:
    """Return the c at which slopes, one a c, cross zero along their line, with the delta method's
    interval."""
    values = np.array([slope.value for slope in slopes])
    errors = np.array([slope.standard_error for slope in slopes])
    away = powers - powers.mean()
    tilt = float(away @ values / (away**2).sum())
    place = float(powers.mean() - values.mean() / tilt)
    weights = (1 / len(powers) + (place - powers.mean()) * away / (away**2).sum()) / abs(tilt)
    error = float(np.sqrt(((weights * errors) ** 2).sum()))
    half = error * max((slope.high - slope.value) / slope.standard_error for slope in slopes)
    return fit.Estimate(place, error, place - half, place + half, min(slope.replicates for slope in slopes))


def _steps(count: int) -> str:
    return "one step" if count == 1 else f"{count} steps"


def lazy(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """At its largest stable power the squared loss leaves hidden layers lazy: they move as n^-1/2."""
    found = coordinates.of(data, check, step=1)
    hidden, step = last_hidden(int(data.attrs["layers"])), found.steps[0]
    power = found.predicted[hidden].total
    return [
        judge(
            f"{id}-hidden",
            f"{check.label}: the whole update of the last hidden layer after {_steps(step)} scales as "
            f"n^{power:g}",
            found.slope(hidden, "total", step=step),
            predicted=power,
            tolerance=LOGITS,
            basis="theory.profile",
        )
    ]


def aligned(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """With a rate for every layer all effective updates are of order one, and the logits grow all the
    same."""
    return updates(id, check, data, step=1)


def passed_on(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """How much the initial readout amplifies a change of features depends on how many outputs there are."""
    step = int(data.step.values[0])
    chosen = data.sel(layer="readout.weight", step=step).transpose("width", "seed")
    ratio = (chosen.propagating / chosen.input_change).values
    power = 0.5 if check.many is None else 0.0
    return [
        judge(
            f"{id}-amplification",
            f"{check.label}: |W_0 (x_t - x_0)| over |x_t - x_0| of the readout after {_steps(step)} scales "
            "as "
            f"n^{power:g}",
            fit.slope(data.width.values, ratio),
            predicted=power,
            tolerance=HIDDEN,
            basis="few outputs: the change was made through these very weights; many: n/K + 1 in the square",
        )
    ]


def label(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """With many outputs the logit of a sample's own class still grows; the mean over outputs does not."""
    rows = (
        ("all", "propagating", "over all outputs", 0.0),
        ("own", "label_update", "of the logit of each sample's own class", 0.5),
    )
    return [
        judge(
            f"{id}-{name}",
            f"{check.label}: W_0 (x_t - x_0) of the readout after one step, root mean square {where}, over "
            "that "
            f"of x_t - x_0 scales as n^{power:g}",
            fit.slope(
                data.width.values, (data[quantity] / data.input_change).transpose("width", "seed").values
            ),
            predicted=power,
            tolerance=LOGITS,
            basis="the error is concentrated at the class, whose row of the readout made a share of the "
            "change",
        )
        for name, quantity, where, power in rows
    ]
