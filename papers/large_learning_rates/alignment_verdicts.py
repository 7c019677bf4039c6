"""Judge alignment: of updates with what they act on, and of the initial readout with changes of features."""

import xarray as xr

from scalewright.papers.large_learning_rates import coordinates
from scalewright.papers.large_learning_rates.coordinates import Check
from scalewright.papers.large_learning_rates.readings import (
    FLAT,
    HIDDEN,
    LOGITS,
    after,
    last_hidden,
)
from scalewright.sim import fit
from scalewright.sim.verdict import Verdict, judge


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


def passed_on(id: str, check: Check, data: xr.Dataset) -> list[Verdict]:
    """How much the initial readout amplifies a change of features depends on how many outputs there are."""
    step = int(data.step.values[0])
    chosen = data.sel(layer="readout.weight", step=step).transpose("width", "seed")
    ratio = (chosen.propagating / chosen.input_change).values
    power = coordinates.amplification(check, int(data.attrs["layers"]), coherent=check.many is None)
    return [
        judge(
            f"{id}-amplification",
            f"{check.label}: |W_0 (x_t - x_0)| over |x_t - x_0| of the readout {after(step)} scales as "
            f"n^{power:g}",
            fit.slope(data.width.values, ratio),
            predicted=power,
            tolerance=HIDDEN,
            basis="theory.profile, readout aligned by 1: few outputs, the change was made through these very "
            "weights; by 1/2: many, n/K + 1 in the square",
        )
    ]


def label(id: str, check: Check, data: xr.Dataset, *, layers: int) -> list[Verdict]:
    """With many outputs the logit of a sample's own class still grows; the mean over outputs does not."""
    whole, own = (coordinates.amplification(check, layers, coherent=one) for one in (False, True))
    rows = (
        ("all", "propagating", "over all outputs", whole),
        ("own", "label_update", "of the logit of each sample's own class", own),
    )
    return [
        judge(
            f"{id}-{name}",
            f"{check.label}: W_0 (x_t - x_0) of the readout after one step, root mean square {where}, over "
            f"that of x_t - x_0 scales as n^{power:g}",
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
