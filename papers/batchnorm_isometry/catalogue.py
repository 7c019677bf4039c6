"""Everything the paper's reproduction runs, in order, and how each result is judged and drawn."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
import xarray as xr

from scalewright.papers.batchnorm_isometry import (
    chains,
    exponent_verdicts,
    figures,
    networks,
    training,
    training_figures,
    training_verdicts,
    verdicts,
)
from scalewright.papers.batchnorm_isometry.settings import Scale
from scalewright.papers.stages import Stage
from scalewright.sim.verdict import Verdict

Results = Mapping[str, xr.Dataset]

WEIGHTS = ("orthogonal", "gaussian")
SHAPED = ("tanh", "sin")
#: Trained at several depths, compared by their epochs.
COMPARED = ("linear", *SHAPED)
#: Trained at one depth, where they must fail.
FAILING = ("tanh-unshaped", "sin-unshaped", "relu")
#: Trained at the largest depth.
DEEP = ("linear", "tanh")
#: Numbers of different samples among 64.
RANKS = (16, 32, 48)


def chain(scale: Scale, device: str) -> list[Stage]:
    """Return the stages at initialisation, by numpy."""

    def stage(name: str, run: Any, *arguments: Any) -> Stage:
        return Stage(name, partial(run, scale, *arguments))

    return [
        *(stage(f"identity-{kind}", chains.identity, kind) for kind in WEIGHTS),
        *(stage(f"one-step-{name}", chains.one_step, name) for name in chains.SPECTRA),
        *(stage(f"decay-{width}", chains.decay, width) for width in scale.decay_widths),
        *(stage(f"bound-{name}", chains.bound, name) for name in chains.INPUTS),
        *(stage(f"gradients-{kind}", chains.gradients, kind) for kind in WEIGHTS),
        stage("plateau", chains.plateau),
        stage("narrow", chains.narrow),
        stage("samples", chains.samples),
        stage("stationary", chains.stationary),
        stage("more-samples", chains.more_samples),
        *(stage(f"centred-{more}", chains.centred, more) for more in (0, 1)),
        stage("wide", chains.wide),
        *(stage(f"degenerate-{rank}", chains.degenerate, rank) for rank in RANKS),
        *(stage(f"gain-{name}", chains.gain, name) for name in SHAPED),
        *(stage(f"gain-widths-{name}", chains.gain_widths, name) for name in SHAPED),
        *(stage(f"schedule-{n}-{p:g}", chains.schedule, n, p) for n in SHAPED for p in chains.POWERS),
    ]


def beyond(scale: Scale, device: str) -> list[Stage]:
    """Return the stages with real networks, by torch."""

    def train(name: str, depth: int, epochs: int, seeds: int) -> Stage:
        run = partial(training.trained, scale, name, depth, epochs=epochs, seeds=seeds, device=device)
        return Stage(f"training-{name}-{depth}", run)

    few = scale.control_epochs
    deep = [
        Stage(
            f"deep-{name}",
            partial(
                training.trained, scale, name, scale.deep, epochs=scale.deep_epochs, seeds=1, device=device
            ),
        )
        for name in DEEP
    ]
    on = partial(networks.on_images, scale, device=device)
    return [
        *(Stage(f"images-{kind}", partial(on, kind)) for kind in WEIGHTS),
        Stage("images-by-layer", partial(networks.images_by_layer, scale, device=device)),
        *(
            Stage(f"overflow-{bits}", partial(networks.overflow, scale, dtype, device=device))
            for bits, dtype in ((32, torch.float32), (64, torch.float64))
        ),
        *(
            train(name, depth, epochs_of(scale, name), scale.training_seeds)
            for name in COMPARED
            for depth in scale.training_depths
        ),
        *(train("linear-gaussian", depth, few, scale.training_seeds) for depth in scale.gaussian_depths),
        *(train(name, scale.training_depths[-1], few, 1) for name in FAILING),
        *deep,
        *(
            Stage(f"evaluation-{name}", partial(networks.evaluation, scale, width, device=device))
            for name, width in evaluated_widths(scale).items()
        ),
    ]


def evaluated_widths(scale: Scale) -> dict[str, int]:
    """Return the widths of the networks that are evaluated in both ways: n, and three quarters of it."""
    return {"square": scale.training_width, "narrow": 3 * scale.training_width // 4}


def epochs_of(scale: Scale, name: str) -> int:
    """Return the passes over the images of one kind of network."""
    return scale.linear_epochs if name == "linear" else scale.epochs


def judge_chain(results: Results) -> list[Verdict]:
    """Return the rows at initialisation."""
    rows = verdicts.identity(*(results[f"identity-{kind}"] for kind in WEIGHTS))
    for name in chains.SPECTRA:
        rows += verdicts.one_step(results[f"one-step-{name}"])
    for data in family(results, "decay-").values():
        rows += verdicts.decay(data)
    for name in chains.INPUTS:
        rows += verdicts.bound(results[f"bound-{name}"])
    rows += verdicts.gradients(*(results[f"gradients-{kind}"] for kind in WEIGHTS))
    rows += verdicts.plateau(results["plateau"]) + verdicts.narrow(results["narrow"])
    rows += exponent_verdicts.samples(results["samples"])
    rows += exponent_verdicts.stationary(results["stationary"])
    rows += exponent_verdicts.flat(results["more-samples"], "more-samples", "n = 3 d / 2")
    rows += exponent_verdicts.centred(results["centred-0"], results["centred-1"])
    rows += exponent_verdicts.wide(results["wide"])
    for rank in RANKS:
        rows += exponent_verdicts.degenerate(
            results[f"degenerate-{rank}"], rank, results["gradients-orthogonal"]
        )
    for name in SHAPED:
        rows += exponent_verdicts.gain(results[f"gain-{name}"])
        rows += exponent_verdicts.gain_widths(results[f"gain-widths-{name}"])
        for power in chains.POWERS:
            rows += exponent_verdicts.schedule(results[f"schedule-{name}-{power:g}"], power)
    return rows


def judge_beyond(results: Results) -> list[Verdict]:
    """Return the rows of the real networks."""
    orthogonal, gaussian = (results[f"images-{kind}"] for kind in WEIGHTS)
    rows = training_verdicts.on_images(orthogonal, gaussian, results["images-by-layer"])
    rows += training_verdicts.overflow(results["overflow-32"], results["overflow-64"])
    for name in (*COMPARED, "linear-gaussian"):
        rows += training_verdicts.across_depths(name, family(results, f"training-{name}-"))
    for name in FAILING:
        (run,) = family(results, f"training-{name}-").values()
        rows += training_verdicts.fails(name, run)
        if name == "tanh-unshaped":
            rows += training_verdicts.weights_control(name, run)
    for name in DEEP:
        rows += training_verdicts.deep(name, results[f"deep-{name}"])
    return rows + training_verdicts.evaluation(results["evaluation-square"], results["evaluation-narrow"])


def family(results: Results, start: str) -> dict[int, xr.Dataset]:
    """Return the results whose names are `start` and a number, by that number."""
    ends = {name.removeprefix(start): data for name, data in results.items() if name.startswith(start)}
    return {int(end): ends[end] for end in sorted(filter(str.isdigit, ends), key=int)}


def draw_all(results: Results, scale: str) -> dict[str, Any]:
    """Return every picture of the paper by name."""
    trained = {
        name: family(results, f"training-{name}-") for name in (*COMPARED, "linear-gaussian", *FAILING)
    }
    return {
        "figure-1": figures.plot_decay(family(results, "decay-")),
        "figure-2": figures.plot_degenerate(family(results, "degenerate-"), results["gradients-orthogonal"]),
        "figure-3": figures.plot_explosion(
            *(results[f"images-{kind}"] for kind in WEIGHTS),
            *(results[f"gradients-{kind}"] for kind in WEIGHTS),
        ),
        "figure-4": training_figures.plot_training({name: trained[name] for name in COMPARED}),
        "figure-5": training_figures.plot_shaping(trained),
        "figure-6": training_figures.plot_weights(results["deep-tanh"], *trained["tanh-unshaped"].values()),
        "bounds": figures.plot_bounds(results["plateau"], results["narrow"]),
        "samples": figures.plot_samples(results["samples"], results["centred-0"], results["centred-1"]),
        "response": figures.plot_response(
            {name: results[f"gain-{name}"] for name in SHAPED},
            {name: results[f"gain-widths-{name}"] for name in SHAPED},
        ),
        "schedules": figures.plot_schedules(
            {(n, p): results[f"schedule-{n}-{p:g}"] for n in SHAPED for p in chains.POWERS}
        ),
        "controls": training_figures.plot_controls(
            {name: trained[name] for name in ("linear-gaussian", *FAILING)}
        ),
        "evaluation": training_figures.plot_evaluation(
            results["evaluation-square"], results["evaluation-narrow"]
        ),
    }


CAPTIONS = {
    "figure-1": "Mean isometry gap by depth from the inputs of figure 1 (points), d / (d + 2) a layer "
    "(lines), and the curve with the constant 0.015 of the authors' plots (dotted): below the "
    "points at d = 16 and 32, where that constant is impossible.",
    "figure-2": "Gradients in the weights by layer for batches of 64 samples with repetitions, orthogonal "
    "weights: they explode at the rate of as many samples as there are different ones (dashed), "
    "and not at all with 64.",
    "figure-3": "Left: gradient of the second layer against depth, real networks on a batch of images, by "
    "autograd; band: the middle 80 % of seeds. Right: gradients by layer at depth 1000 on "
    "Gaussian inputs.",
    "figure-4": "Training accuracy by epoch at several depths, one learning rate for all. Bands: seeds.",
    "figure-5": "Gradients by layer at initialisation, networks on images: with gains that fall with depth "
    "(solid) and without (dashed).",
    "figure-6": "Isometry gap of the weights by layer after training (left), gradients by layer (right): the "
    "deep shaped network keeps its weights near orthogonal, the unshaped one loses them.",
    "bounds": "Left: mean squared gradient, layers back from an isotropic one at an orthogonal "
    "representation, on its formula. Right: log of the Jacobian's norm in narrow chains (lines) "
    "and the bound that holds for all orthogonal weights (dashed, same colour).",
    "samples": "Top Lyapunov exponent over mean field against the share of samples (left): measured, the "
    "simple law and the derived one. Standard batch normalization with n = d and n = d + 1 samples "
    "(right).",
    "response": "Growth of gradients a layer against the gain, measured and R(alpha) (left); the excess over "
    "R at gain 1/2 by width (right).",
    "schedules": "Gradient at the first layer against depth for gains l^-p, and the sum of R(l^-p) (dashed): "
    "bounded for p above 1/4.",
    "controls": "Training that must fail: Gaussian weights the slower the deeper, unshaped activations and "
    "ReLU not at all. Curves end where numbers overflow.",
    "evaluation": "Held-out accuracy of one and the same network with batch statistics and with running "
    "averages. Deep networks fail with running averages only where batches have less than full "
    "rank.",
}
