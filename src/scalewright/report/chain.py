"""The report page of `verify`: what was derived, predicted, measured, and how they compare."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from scalewright.papers.super_consistency.catalogue import CAPTIONS
from scalewright.papers.super_consistency.settings import PARAMETRIZATIONS
from scalewright.report.page import Figure, Page, Proof, Section, Table, verdict_table
from scalewright.report.tables import parametrization_table
from scalewright.sim.verdict import Verdict
from scalewright.theory import mlp, named

TITLES = {"mup": "muP, maximal update", "ntp": "NTP, neural tangent", "sp": "SP, standard"}


def page(
    found: Mapping[str, xr.Dataset],
    verdicts: Sequence[Verdict],
    figures: Mapping[str, Any],
    provenance: Mapping[str, str],
) -> Page:
    """Return the page of the whole chain: derive, predict, measure, compare."""
    counts = [sum(row.verdict == kind for row in verdicts) for kind in ("pass", "fail", "undecided")]
    return Page(
        "Do these networks obey their scaling?",
        f"{counts[0]} of {len(verdicts)} checks pass, {counts[1]} fail, {counts[2]} are undecided. "
        f"Exponents were derived, the training "
        "of linear networks was predicted exactly, real networks were trained on the digits, and each "
        "prediction was judged "
        "by its 95 % interval. Controls are predictions that must be missed: each shows that its check "
        "can fail.",
        (_derive(), _predict(found, figures), _slopes(figures), _relu(figures), _verdicts(verdicts)),
        tuple(provenance.items()),
    )


def _derive() -> Section:
    tables: list[Table | Proof] = []
    for name in PARAMETRIZATIONS:
        rule = named(mlp(layers=3, activation="relu", loss="squared"), name, "sgd")
        rule.certificate.verify()
        tables.append(
            parametrization_table(
                rule, f"{TITLES[name]}: gradient descent. Certificate verified in exact arithmetic."
            )
        )
    rule = named(mlp(layers=3, activation="relu", loss="squared"), "mup", "sgd").in_gauge("no-multipliers")
    tables.append(
        Proof(
            rule.explain("readout.weight", "lr"),
            "One entry proved: the learning rate of the readout under muP, stated without multipliers.",
        )
    )
    return Section(
        "Derive",
        (
            "How must a network change with its width n so that training neither stalls nor blows up? "
            "From the network's graph and a "
            "list of requirements an exact linear program yields the power of n for every layer: a "
            "layer computes multiplier times "
            "weight, the weight starts with the given standard deviation and learns at the base rate "
            "times the given power.",
        ),
        tuple(tables),
    )


def _predict(found: Mapping[str, xr.Dataset], figures: Mapping[str, Any]) -> Section:
    names = [f"agreement-{name}" for name in PARAMETRIZATIONS]
    attrs = found["agreement-mup"].attrs
    rotated = (
        "The linear networks were trained on D + K rotated samples, on which every linear map has the same "
        "loss, Hessian, G and R as on all images.",
    ) * bool(attrs.get("rotated", 0))
    return Section(
        "Predict and measure: linear networks",
        (
            "The gradient descent of a two-layer linear network closes exactly on the Gram matrix of "
            "its weights, of a size that "
            "does not depend on the width. The prediction starts from each network's own initial "
            "weights and is then on its own; the "
            f"network is trained in torch on {attrs['samples']} images, and its spectra are measured by "
            f"Lanczos iterations that know "
            "nothing of the prediction. S is the sharpness, the largest eigenvalue of the Hessian H; G "
            "its Gauss-Newton part, "
            "R = H - G the rest; all are rescaled by the layers' learning rates, so that training is "
            "stable below 2/eta at any width.",
            *rotated,
        ),
        (
            *(Figure(name, figures[name], CAPTIONS[name]) for name in (*names, "fixed-rate-sp")),
            _divergence(found["fixed-rate-sp"]),
        ),
    )


def _divergence(data: xr.Dataset) -> Table:
    """Return what became of SP at one rate: stable, or the step at which each network diverged."""
    columns = ("width", "measured, network by network", "predicted")
    rows = tuple(
        (
            str(int(width)),
            *(_fates(data.diverged_at.sel(width=width, origin=o)) for o in ("measured", "predicted")),
        )
        for width in data.width.values
    )
    return Table(columns, rows, "SP at one rate for every width: the step at which each network diverged.")


def _fates(steps: xr.DataArray) -> str:
    return ", ".join("stable" if step < 0 else f"diverged at step {int(step)}" for step in steps.values)


def _slopes(figures: Mapping[str, Any]) -> Section:
    return Section(
        "Compare: powers of the width",
        (
            "What must stay the same at every width, and what may fade? The exponents follow from the "
            "parametrization alone; the "
            "slopes are fitted to the exact dynamics over many initial draws, and to the trained networks.",
        ),
        (Figure("slopes", figures["slopes"], CAPTIONS["slopes"]),),
    )


def _relu(figures: Mapping[str, Any]) -> Section:
    return Section(
        "Compare: ReLU networks",
        (
            "Nothing is solved exactly here: the derived powers alone predict that under muP the best "
            "learning rate and the "
            "sharpness along training do not depend on the width, and that under SP the best rate falls "
            "as 1/N. In SP the input "
            "weights have unit variance and act on the pixels divided by the square root of their "
            "number: the same network at "
            "initialisation as with variance one over the number of pixels, without that choice's slow "
            "start (see the how-to on widths).",
        ),
        tuple(Figure(name, figures[name], CAPTIONS[name]) for name in ("transfer", "consistency", "spectra")),
    )


def _verdicts(verdicts: Sequence[Verdict]) -> Section:
    return Section(
        "Verdicts",
        (
            "pass: the 95 % interval lies inside predicted ± tolerance (for a control: wholly outside). "
            "fail: the opposite. "
            "undecided: neither, with the number of further seeds that would decide.",
        ),
        (verdict_table(verdicts),),
    )
