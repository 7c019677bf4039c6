"""Everything the paper's reproduction runs, in order, and how each result is judged and drawn."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import xarray as xr

from scalewright.papers.large_learning_rates import (
    coordinates,
    edges,
    experiments,
    figures,
    labels,
    network_verdicts,
    theory_verdicts,
    toy,
    toy_figures,
    toy_verdicts,
    transformers,
)
from scalewright.papers.large_learning_rates.experiments import ADAM, CHECKS, EDGES, GROWTH
from scalewright.papers.large_learning_rates.settings import Scale
from scalewright.papers.stages import Stage
from scalewright.sim.verdict import Verdict

Results = Mapping[str, xr.Dataset]


def chain(scale: Scale, device: str) -> list[Stage]:
    """Return the stages of toys, by numpy; theory needs none."""
    return [
        *(Stage(f"uv-edge-{name}", partial(toy.edges, scale, name)) for name in toy.EDGES),
        *(
            Stage(f"uv-window-{c.replace('/', '-')}", partial(toy.growth, scale, c, "cross-entropy"))
            for c in toy.WINDOW
        ),
        *(
            Stage(f"uv-near-{loss}", partial(toy.growth, scale, toy.NEAR, loss))
            for loss in ("squared", "cross-entropy")
        ),
        *(
            Stage(f"uv-below-{c.replace('/', '-')}", partial(toy.growth, scale, c, "squared"))
            for c in toy.BELOW
        ),
        *(Stage(f"uv-limit-{c.replace('/', '-')}", partial(toy.limits, scale, c)) for c in ("0", "1/2", "1")),
    ]


def beyond(scale: Scale, device: str) -> list[Stage]:
    """Return the stages with real networks, by torch."""
    return [*_checks(scale, device), *_rates(scale, device), *_batches(scale, device), *_texts(scale, device)]


def _checks(scale: Scale, device: str) -> list[Stage]:
    """Return the coordinate checks."""

    def check(name: str, chosen: coordinates.Check, **options: Any) -> Stage:
        return Stage(name, partial(coordinates.run, scale, chosen, device=device, **options))

    few, narrow = {"widths": scale.check_widths[-4:]}, scale.check_widths[:4]
    return [
        *(check(name, one, alignment=name == "sgd-half") for name, one in CHECKS.items()),
        *(check(name, one, **few) for name, one in ADAM.items()),
        *(check(name, one, gradient=True) for name, one in GROWTH.items()),
        check("growth-squared", experiments.SQUARED, **few),
        check("growth-below", experiments.BELOW, gradient=True, **few),
        *(
            check(f"gap-{loss}", one, widths=scale.gap_widths, steps=2)
            for loss, one in experiments.GAP.items()
        ),
        check("adam-squared", experiments.ADAM_SQUARED, **few),
        check("lazy", experiments.LAZY),
        check("align", experiments.ALIGN, **few),
        check("align-many", experiments.MANY, widths=narrow),
        Stage("labels", partial(labels.run, scale, experiments.MANY, widths=narrow, device=device)),
    ]


def _rates(scale: Scale, device: str) -> list[Stage]:
    """Return the grids of rates, and what is trained at single ones."""
    like = EDGES["deep-cross-entropy"]
    return [
        *(_grid(scale, device, name, setting) for name, setting in EDGES.items()),
        _grid(scale, device, "deepest", experiments.deepest(scale), widths=scale.deep_widths),
        *(
            Stage(
                f"same-rate-{loss}",
                partial(edges.at_one_rate, scale, EDGES[f"deep-{loss}"], like, device=device),
            )
            for loss in experiments.LOSSES
        ),
        *(
            Stage(name, partial(edges.below_the_edge, scale, EDGES["two-mse"], steps=steps, device=device))
            for name, steps in experiments.CATAPULTS.items()
        ),
    ]


def _batches(scale: Scale, device: str) -> list[Stage]:
    """Return the grids of rates for batches of several sizes, and those of other seeds at the ends."""
    widths = scale.batch_widths
    return [
        _grid(scale, device, name, setting, widths=chosen, samples=scale.batch_samples)
        for chosen, settings in (
            (widths, experiments.batches(scale)),
            ((widths[0], widths[-1]), experiments.narrowing(scale)),
        )
        for name, setting in settings.items()
    ]


def _grid(scale: Scale, device: str, name: str, setting: edges.Setting, **options: Any) -> Stage:
    return Stage(name, partial(edges.edge, scale, setting, device=device, **options))


def _texts(scale: Scale, device: str) -> list[Stage]:
    """Return the transformers."""
    return [
        Stage(f"gpt-{optimizer}-{gains}", partial(transformers.sweep, scale, optimizer, gains, device=device))
        for gains in scale.gpt_gains
        for optimizer in ("sgd", "adam")
    ]


def judge_chain(results: Results) -> list[Verdict]:
    """Return the rows of theory and of toys."""
    timed = ("sp-squared-timed", "sp-squared-timed-warmup")
    rows = theory_verdicts.rows()
    for name in toy.EDGES:
        if name not in timed:
            rows += toy_verdicts.edge(results[f"uv-edge-{name}"])
    rows += toy_verdicts.far(results["uv-edge-sp-squared"])
    rows += toy_verdicts.catapult(results["uv-edge-sp-squared"])
    rows += toy_verdicts.timed(*(results[f"uv-edge-{name}"] for name in timed))
    for c in toy.WINDOW:
        rows += toy_verdicts.window(results[f"uv-window-{c.replace('/', '-')}"])
    for c in toy.BELOW:
        rows += toy_verdicts.below(results[f"uv-below-{c.replace('/', '-')}"])
    rows += toy_verdicts.feedback(results["uv-near-squared"], results["uv-near-cross-entropy"])
    return rows + toy_verdicts.limit(results["uv-limit-0"], results["uv-edge-sp-cross-entropy-kernel"])


def judge_beyond(results: Results) -> list[Verdict]:
    """Return the rows of the real networks."""
    return network_verdicts.rows(results)


def draw_all(results: Results, scale: str) -> dict[str, Any]:
    """Return every picture of the paper by name."""
    batched = {name: data for name, data in results.items() if name.startswith("batch-")}
    transformed = {name: data for name, data in results.items() if name.startswith("gpt-")}
    return {
        "derived": toy_figures.plot_derived(),
        "uv-edges": toy_figures.plot_edges(results),
        "uv-growth": toy_figures.plot_growth(results),
        "uv-limits": toy_figures.plot_limits(results),
        "rates": figures.plot_rates(results),
        "checks": figures.plot_checks(CHECKS, results),
        "growth": figures.plot_growth(GROWTH | {"growth-below": experiments.BELOW}, results),
        "accuracy": figures.plot_accuracy(results),
        "exponents": figures.plot_exponents(judge_beyond(results)),
        "curves": figures.plot_curves(
            [results[n] for n in ("deep-cross-entropy", "deep-mse", "mup-cross-entropy")]
        ),
        "full-align": figures.plot_align(
            {"align": experiments.ALIGN, "align-many": experiments.MANY}, results
        ),
        "batches": figures.plot_batches(list(batched.values())),
        "transformers": figures.plot_transformers(list(transformed.values())),
    }


CAPTIONS = {
    **toy_figures.CAPTIONS,
    "rates": "Largest stable (dots) and best (crosses) learning rates against width, with 95 % intervals; "
    "dashed: the power of theory.edges through the largest stable ones; pale: what the grids span. "
    "Cross-entropy bears n^-1/2, and n^0 with two layers, where the squared loss bears n^-1; under muP no "
    "power is left.",
    "checks": "Powers of the width of every layer's effective update (W_t - W_0) x_t, of the propagating "
    "update W_0 (x_t - x_0) and of their sum after one step, with 95 % intervals; black: theory.profile.",
    "growth": "Inside the window of controlled divergence the logits grow as n^(1-c) (dashed), while "
    "activations and gradients times n^1/2 stay as they are; below it, at c = 1/4, activations grow.",
    "accuracy": "Left: held-out accuracy at the best rate of each width. Right: mean largest probability "
    "minus accuracy.",
    "exponents": "Every measured power of the width (points, 95 %) beside the predicted one (tick) and the "
    "band in which it counts as agreement (grey); no number where a grid does not hold the rate.",
    "curves": "Training loss against the learning rate over its predicted power of the width, a curve a "
    "network: if the power is right, curves of all widths end at the same place.",
    "full-align": "Every layer with its own largest rate: all effective updates are of order one, and the "
    "propagating update of the readout grows, unless there are many more classes than units.",
    "batches": "Largest stable rates at several batch sizes; pale: what the grids span; dashed: the power of "
    "theory, which has no batch in it.",
    "transformers": "Loss of two-block transformers on held-out text against the learning rate; dotted: the "
    "best rate.",
}
