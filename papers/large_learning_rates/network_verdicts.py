"""Put the rows of all networks together: what each experiment must show, and what it must miss."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from scalewright.papers.large_learning_rates import (
    alignment_verdicts,
    experiments,
    gpt_verdicts,
    growth_verdicts,
    update_verdicts,
)
from scalewright.papers.large_learning_rates import edge_verdicts as edged
from scalewright.papers.large_learning_rates.experiments import ADAM, BELOW, CHECKS, GAP, GROWTH
from scalewright.papers.large_learning_rates.onesided import beyond
from scalewright.papers.large_learning_rates.readings import difference
from scalewright.sim import fit
from scalewright.sim.verdict import Verdict, judge

Results = Mapping[str, xr.Dataset]


def rows(results: Results) -> list[Verdict]:
    """Return all rows."""
    return [*coordinates(results), *rates(results), *transformers(results)]


def coordinates(results: Results) -> list[Verdict]:
    """Return the rows of the coordinate checks."""
    rows: list[Verdict] = []
    for name, check in CHECKS.items():
        rows += update_verdicts.updates(name, check, results[name], step=1)
    for name in ("sgd-half", "sgd-one", "adam-one"):
        rows += update_verdicts.later(name, CHECKS[name], results[name])
    rows += update_verdicts.same_under_adam(
        "adam-squared", experiments.ADAM_SQUARED, results["adam-squared"], results["adam-one"]
    )
    rows += update_verdicts.rising("adam-one", CHECKS["adam-one"], results["adam-one"])
    rows += alignment_verdicts.alignment("sgd-half", CHECKS["sgd-half"], results["sgd-half"])
    for name, check in GROWTH.items():
        rows += growth_verdicts.growth(name, check, results[name])
        rows += growth_verdicts.growth_later(name, check, results[name])
    rows += growth_verdicts.squared("growth-squared", experiments.SQUARED, results["growth-squared"])
    rows += growth_verdicts.catastrophic("growth-below", BELOW, results["growth-below"])
    rows += update_verdicts.gap(GAP, {loss: results[f"gap-{loss}"] for loss in GAP})
    rows += update_verdicts.lazy("lazy", experiments.LAZY, results["lazy"])
    rows += update_verdicts.updates("align", experiments.ALIGN, results["align"], step=1)
    for name, check in (("align", experiments.ALIGN), ("align-many", experiments.MANY)):
        rows += alignment_verdicts.passed_on(name, check, results[name])
    layers = int(results["align-many"].attrs["layers"])
    rows += alignment_verdicts.label("labels", experiments.MANY, results["labels"], layers=layers)
    powers = {
        name: (check, results[name]) for name, check in (CHECKS | ADAM).items() if check.optimizer == "adam"
    }
    return rows + update_verdicts.adam_edge(powers)


def rates(results: Results) -> list[Verdict]:
    """Return the rows of the grids of rates."""
    rows: list[Verdict] = []
    for name in (
        "deep-cross-entropy",
        "deep-mse",
        "two-cross-entropy",
        "two-mse",
        "deepest",
        "mup-cross-entropy",
        "mup-mse",
    ):
        rows += edged.edge(name, results[name])
    for name in (name for name in results if name.startswith("batch-")):
        rows += edged.edge(name, results[name], prefix="")
    rows += edged.batch_powers([results[name] for name in results if name.startswith("batch-")])
    for loss in experiments.LOSSES:
        rows += edged.narrowing(
            [
                data
                for name, data in results.items()
                if name.startswith("narrowing-") and data.attrs["loss"] == loss
            ]
        )
    rows += edged.catapults(results["catapult-short"], results["catapult-long"])
    rows += edged.control("deep-mse", results["deep-mse"], wrong=-0.5)
    for name in ("deep-cross-entropy", "mup-cross-entropy", "mup-mse"):
        rows += edged.optimum(name, results[name])
    return (
        rows
        + edged.same_rate(*(results[f"same-rate-{loss}"] for loss in experiments.LOSSES))
        + worth(results)
        + confidence(results)
    )


def worth(results: Results) -> list[Verdict]:
    """Return what the parametrizations are worth under either loss."""
    sp, mup = ({loss: results[f"{kind}-{loss}"] for loss in experiments.LOSSES} for kind in ("deep", "mup"))
    behind = edged.advantage(mup["mse"], sp["mse"])
    level = edged.advantage(mup["cross-entropy"], mup["mse"])
    change = _change(sp["mse"], edged.best_accuracy(sp["mse"]))
    return [
        beyond(
            "accuracy-mse",
            "Squared loss, widest networks, best rates: held-out accuracy of muP is that of SP",
            behind,
            bound=0.0,
            tolerance=0.02,
            side="above",
            basis="SP at its largest stable rate learns no features; two points would be noise",
        ),
        judge(
            "accuracy-mup",
            "muP, widest networks, best rates: held-out accuracy under cross-entropy is that under the "
            "squared loss",
            level,
            predicted=0.0,
            tolerance=0.05,
            basis="both learn features; five points",
        ),
        beyond(
            "accuracy-falls",
            "SP, squared loss: held-out accuracy at the best rate does not change from the narrowest "
            "networks to the widest",
            change,
            bound=0.0,
            tolerance=0.0,
            side="below",
            basis="the paper's figure: it falls with the width",
        ),
    ]


def confidence(results: Results) -> list[Verdict]:
    """Return by how much more wide networks overrate themselves, under SP, under muP, and the difference."""
    runs = [results[f"{kind}-cross-entropy"] for kind in ("deep", "mup")]
    sp, mup = (_change(data, edged.overconfidence(data)) for data in runs)
    return [
        beyond(
            "confidence-sp",
            "SP, cross-entropy, best rates: networks overrate themselves (confidence minus accuracy, held "
            "out) as much from the narrowest to the widest",
            sp,
            bound=0.0,
            tolerance=0.0,
            side="above",
            basis="logits grow as n^1/2 along the edge",
        ),
        judge(
            "confidence-mup",
            "muP, cross-entropy, best rates: networks overrate themselves as much from the narrowest to the "
            "widest",
            mup,
            predicted=0.0,
            tolerance=0.05,
            basis="logits don't depend on the width; five points",
        ),
        beyond(
            "confidence-apart",
            "Cross-entropy, best rates: what networks overrate themselves by grows from the narrowest to the "
            "widest under SP as under muP",
            difference(sp, mup),
            bound=0.0,
            tolerance=0.0,
            side="above",
            basis="logits grow along the edge of SP alone",
        ),
    ]


def transformers(results: Results) -> list[Verdict]:
    """Return the rows of the transformers."""
    runs = {
        (str(data.attrs["optimizer"]), str(data.attrs["gains"])): data
        for name, data in results.items()
        if name.startswith("gpt-")
    }
    return [row for data in runs.values() for row in gpt_verdicts.optimum(data)] + gpt_verdicts.gains(runs)


def _change(data: xr.Dataset, rows: list[np.ndarray]) -> fit.Estimate:
    """Return by how much a mean over seeds changes from the narrowest to the widest networks, along a line.

    The line is fitted in the logarithm of the width, so that the widths in between count, too.
    """
    widths, means = data.width.values.astype(float), [fit.interval(row) for row in rows]
    line = fit.line(
        widths,
        np.array([mean.value for mean in means]),
        np.array([mean.standard_error for mean in means]),
        replicates=np.array([mean.replicates for mean in means]),
    )
    span = float(np.log(widths[-1] / widths[0]))
    return fit.Estimate(
        span * line.value, span * line.standard_error, span * line.low, span * line.high, line.replicates
    )
