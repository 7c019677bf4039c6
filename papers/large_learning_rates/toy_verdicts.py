"""Judge the two-layer linear network against the exponents that theory derives."""

from fractions import Fraction

import numpy as np
import xarray as xr

from scalewright.papers.large_learning_rates import toy
from scalewright.sim import fit
from scalewright.sim.verdict import Verdict, judge
from scalewright.theory import mechanism, mlp

LABEL = {"sp": "SP", "ntp": "NTP", "mup": "muP"}


def rates_of(data: xr.Dataset) -> list[np.ndarray]:
    """Return the middles of the brackets by width, without networks that have none."""
    middle = np.sqrt(data.stable * data.unstable).transpose("width", "seed").values
    return [row[np.isfinite(row)] for row in middle]


def slope_of(data: xr.Dataset) -> fit.Slope:
    """Return the slope of the largest stable rate against the width."""
    return fit.slope(data.width.values, rates_of(data))


def predicted(name: str) -> Fraction:
    """Return the power of the largest stable rate that theory derives for one case.

    Of the rate itself under SP, and of what multiplies the rates of NTP and muP.
    """
    case = toy.EDGES[name]
    found = mechanism(mlp(2, "linear"), case.name, "sgd", case.loss.name)
    bounded = case.criterion == "peak" or case.loss.name == "squared"
    edge = found.bounded_logits if bounded else found.bounded_features
    assert edge is not None
    return -edge


def edge(data: xr.Dataset) -> list[Verdict]:
    """The largest stable rate of one case has the power that theory derives."""
    name, power = str(data.attrs["case"]), predicted(str(data.attrs["case"]))
    case = toy.EDGES[name]
    what = "outputs" if case.criterion == "peak" else "weights" if case.loss.name != "squared" else "training"
    tight = case.loss.name == "squared" and not case.decay and case.widths is toy.EDGE_WIDTHS
    extra = (
        " with weight decay"
        if case.decay
        else f" with a warm-up of {case.warmup} steps"
        if case.warmup
        else ""
    )
    return [
        judge(
            f"uv-edge-{name}",
            f"{LABEL[case.name]}, two-layer linear network, {case.loss.name}{extra}: the largest rate with "
            f"stable {what} goes as n^{power}",
            slope_of(data),
            predicted=float(power),
            tolerance=0.01 if tight else 0.03,
            basis=f"theory.mechanism; exact dynamics, n from {case.widths[0]} to {case.widths[-1]}",
        )
    ]


def far(data: xr.Dataset) -> list[Verdict]:
    """The same slope where widths are large: narrow ones lie off the line by their kernel's "
    "fluctuations."""
    return [
        judge(
            "uv-edge-sp-squared-far",
            "SP, two-layer linear network, squared loss: the largest stable rate goes as n^-1 from 2^14 "
            "units on",
            slope_of(data.sel(width=slice(2**14, None))),
            predicted=-1.0,
            tolerance=0.005,
            basis="theory.mechanism; the kernel is n to within n^-1/2 there",
        )
    ]


def catapult(data: xr.Dataset) -> list[Verdict]:
    """The edge of the squared loss is 4 / n: twice that of linear stability, with the same power."""
    last = rates_of(data.isel(width=[-1]))[0] * float(data.width.values[-1])
    return [
        judge(
            "uv-catapult",
            "SP, two-layer linear network, squared loss: the largest stable rate times the kernel n, at n = "
            "10^6",
            fit.interval(last),
            predicted=4.0,
            tolerance=0.1,
            basis="f' = f (1 + eta^2 chi^2) - eta chi n: the kernel falls by a catapult as long as eta n < 4",
        ),
        judge(
            "uv-catapult-control",
            "The same product is 2, as without catapults",
            fit.interval(last),
            predicted=2.0,
            tolerance=0.1,
            expected="break",
            basis="linear stability, eta < 2 / kernel",
        ),
    ]


def timed(plain: xr.Dataset, warm: xr.Dataset) -> list[Verdict]:
    """For a fixed time 20 / eta, with and without a warm-up over a tenth of it."""
    return [
        judge(
            "uv-timed",
            "SP, two-layer linear network, squared loss, time 20 / eta: the largest rate goes as n^-1",
            slope_of(plain),
            predicted=-1.0,
            tolerance=0.05,
            basis="theory.edges",
        ),
        judge(
            "uv-timed-warmup",
            "The same with a warm-up over a tenth of the time: the rate goes as n^-1/2",
            slope_of(warm),
            predicted=-0.5,
            tolerance=0.05,
            basis="derived: the rise from 2 / n to 4 / n, in which catapults lower the kernel, must take a "
            "fixed number of steps, and takes 4 / (n eta^2)",
        ),
    ]


def moved(data: xr.Dataset, step: int | None = None) -> np.ndarray:
    """Return the squared change of the output (width, seed): after a step, or averaged over all steps."""
    change = ((data.outputs - data.outputs.isel(step=0)) ** 2).isel(lr=0).transpose("width", "seed", "step")
    values = change.isel(step=slice(1, None)).mean("step") if step is None else change.isel(step=step)
    return np.asarray(values.values)


def half(found: fit.Slope) -> fit.Estimate:
    """Return the slope of a size from that of its square."""
    return fit.Estimate(
        found.value / 2, found.standard_error / 2, found.low / 2, found.high / 2, found.replicates
    )


def window(data: xr.Dataset) -> list[Verdict]:
    """Under cross-entropy outputs grow as n^(1-c) and the kernel stays where it is."""
    c = str(data.attrs["c"])
    curve = mechanism(mlp(2, "linear"), "sp", "sgd", "cross-entropy").change("readout")
    assert curve is not None
    kernel = (data.ntk / data.ntk.isel(step=0)).isel(lr=0).transpose("width", "seed", "step").isel(step=-1)
    name = c.replace("/", "-")
    return [
        judge(
            f"uv-outputs-{name}",
            f"SP, two-layer linear network, cross-entropy, rate n^-{c}: outputs grow as n^(1-c) over 8 steps",
            half(fit.slope(data.width.values, moved(data), average="mean")),
            predicted=float(curve.at(c)),
            tolerance=0.02,
            basis="theory.mechanism; exact dynamics, n from 10^9 to 10^15",
        ),
        judge(
            f"uv-kernel-{name}",
            "The same: the kernel after 8 steps over the initial one has no power of n",
            fit.slope(data.width.values, kernel.values),
            predicted=0.0,
            tolerance=0.01,
            basis="weights move by n^-c",
        ),
    ]


def feedback(squared: xr.Dataset, bounded: xr.Dataset) -> list[Verdict]:
    """Under the squared loss the output's exponent grows by 1 - c a step; under cross-entropy it stays."""
    rows = []
    for data, loss, expected in ((squared, "squared", "hold"), (bounded, "cross-entropy", "hold")):
        curves = mechanism(mlp(2, "linear"), "sp", "sgd", loss)
        for step in (1, 2, 3):
            curve = curves.change("readout", step)
            assert curve is not None
            rows.append(
                judge(
                    f"uv-step-{loss}-{step}",
                    f"SP, two-layer linear network, {loss}, rate n^-{toy.NEAR}: power of the output after "
                    f"{step} step{'s' * (step > 1)}",
                    half(fit.slope(data.width.values, moved(data, step), average="mean")),
                    predicted=float(curve.at(toy.NEAR)),
                    tolerance=0.02,
                    expected=expected,  # type: ignore[arg-type]
                    basis="theory.mechanism: t (1 - c), or 1 - c at every step",
                )
            )
    rows.append(
        judge(
            "uv-step-control",
            "Under the squared loss the output after 3 steps has the power 1 - c, as under cross-entropy",
            half(fit.slope(squared.width.values, moved(squared, 3), average="mean")),
            predicted=1 - float(Fraction(toy.NEAR)),
            tolerance=0.02,
            expected="break",
            basis="no feedback through the loss",
        )
    )
    return rows


def below(data: xr.Dataset) -> list[Verdict]:
    """Below the edge of the squared loss the exponents themselves multiply: s' = 3 s - 2 c in the end."""
    c = str(data.attrs["c"])
    curves = mechanism(mlp(2, "linear"), "sp", "sgd", "squared")
    rows = []
    for step in (1, 2, 3):
        curve = curves.change("readout", step)
        assert curve is not None
        power = curve.at(c)
        rows.append(
            judge(
                f"uv-below-{c.replace('/', '-')}-{step}",
                f"SP, two-layer linear network, squared loss, rate n^-{c}: power of the output after step "
                f"{step}",
                half(fit.slope(data.width.values, moved(data, step))),
                predicted=float(power),
                tolerance=0.05 * max(1.0, float(power)),
                basis="theory.mechanism; a twentieth of the power, of 1 at least",
            )
        )
    return rows


def limit(data: xr.Dataset, networks: xr.Dataset) -> list[Verdict]:
    """The limit c = 0 loses stability where networks of 10^6 units do."""
    unstable = ~(data.ntk <= 10 * data.ntk.isel(step=0)).all("step").transpose("seed", "lr").values
    first = data.lr.values[unstable.argmax(axis=1)[unstable.any(axis=1)]]
    wide = rates_of(networks.isel(width=[-1]))[0]
    ratio = np.log(wide).mean() - np.log(first).mean()
    spreads = [np.log(values).std(ddof=1) / np.sqrt(len(values)) for values in (wide, first)]
    error = float(np.hypot(*spreads))
    return [
        judge(
            "uv-limit",
            "SP, cross-entropy, rate n^0: the edge of the two-variable limit over that of networks of 10^6 "
            "units",
            fit.Estimate(
                float(np.exp(ratio)),
                error,
                float(np.exp(ratio - 2 * error)),
                float(np.exp(ratio + 2 * error)),
                len(wide),
            ),
            predicted=1.0,
            tolerance=0.05,
            basis=f"sim.uv.wide, a perceptron whose weights move; {len(first)} of {len(unstable)} draws lose "
            "stability on the grid",
        )
    ]
