"""The two-layer linear network on the digits: trained, predicted, and drawn at random."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from scalewright import nets
from scalewright.papers.super_consistency import settings
from scalewright.papers.super_consistency.settings import GAMMA, Scale
from scalewright.sim import linear
from scalewright.sim.data import Data
from scalewright.theory import Parametrization

Progress = Callable[[int, int], None] | None
QUANTITIES = ("sharpness", "gauss_newton", "residual", "ntk")


def agreement(scale: Scale, name: str, *, device: str = "auto", progress: Progress = None) -> xr.Dataset:
    """Train networks by gradient descent and predict each from the Gram matrix of its own initial weights.

    Returns:
        A trajectory with dimensions (origin, width, seed, step), origin "measured", "predicted" or "control":
        the control starts the prediction from the weights of the next seed, so it must miss.
    """
    images = settings.digits(scale)
    task = linear.Problem.of(images.inputs, images.targets)
    rule = settings.linear_network(name)
    lr = settings.base_rate(name, task, scale)
    rows = []
    for done, width in enumerate(scale.linear_widths):
        run = _at_width(images, task, rule, width, lr, scale, device)
        rows.append(refuse_diverged(run, name, width))
        if progress:
            progress(done + 1, len(scale.linear_widths))
    joined = xr.concat(rows, dim="width", combine_attrs="drop_conflicts").assign_coords(
        width=list(scale.linear_widths)
    )
    return joined.assign_attrs(
        rotated=int(scale.rotated),
        parametrization=name,
        lr=lr,
        gamma=GAMMA,
        samples=scale.samples,
        sha256=images.sha256,
    )


def fixed_rate(scale: Scale, *, device: str = "auto", progress: Progress = None) -> xr.Dataset:
    """Train and predict SP at every width with the one rate that suits the smallest."""
    images = settings.digits(scale)
    task = linear.Problem.of(images.inputs, images.targets)
    rule = settings.fixed_rate(settings.linear_network("sp"))
    lr = settings.base_rate("sp", task, scale) / scale.linear_widths[0]
    rows = []
    for done, width in enumerate(scale.linear_widths):
        rows.append(_at_width(images, task, rule, width, lr, scale, device, quantities=()))
        if progress:
            progress(done + 1, len(scale.linear_widths))
    joined = xr.concat(rows, dim="width", combine_attrs="drop_conflicts").assign_coords(
        width=list(scale.linear_widths)
    )
    return joined.assign_attrs(parametrization="sp", lr=lr, gamma=GAMMA, samples=scale.samples)


def draws(scale: Scale, name: str, *, progress: Progress = None) -> xr.Dataset:
    """Draw many initial states a width and run the exact dynamics; spectra at the first and last step.

    Returns:
        A trajectory with dimensions (width, seed, step).
    """
    images = settings.digits(scale)
    task = linear.Problem.of(images.inputs, images.targets)
    rule, lr = settings.linear_network(name), settings.base_rate(name, task, scale)
    rows = []
    for done, width in enumerate(scale.draw_widths):
        path = linear.trajectory(
            task,
            rule,
            width=width,
            lr=lr,
            steps=scale.linear_steps,
            gamma=GAMMA,
            seeds=range(scale.draws),
            spectra_at=[0, scale.linear_steps],
            quantities=QUANTITIES,
            tolerance=1e-4,
        )
        rows.append(path if width < settings.ASYMPTOTIC else refuse_diverged(path, name, width))
        if progress:
            progress(done + 1, len(scale.draw_widths))
    joined = xr.concat(rows, dim="width", combine_attrs="drop_conflicts").assign_coords(
        width=list(scale.draw_widths)
    )
    return joined.assign_attrs(parametrization=name, lr=lr, gamma=GAMMA, samples=scale.samples)


def limit(scale: Scale, name: str) -> xr.Dataset:
    """Return the infinite-width trajectory with spectra at every step, to be drawn beside the networks."""
    images = settings.digits(scale)
    task = linear.Problem.of(images.inputs, images.targets)
    return linear.trajectory(
        task,
        settings.linear_network(name),
        width=math.inf,
        lr=settings.base_rate(name, task, scale),
        steps=scale.linear_steps,
        gamma=GAMMA,
        seeds=range(1),
        spectra_at=range(scale.linear_steps + 1),
        quantities=QUANTITIES,
    )


def refuse_diverged(data: xr.Dataset, name: str, width: int) -> xr.Dataset:
    """Return the data; ValueError with width and step if a run that is to be compared diverged."""
    steps = data.diverged_at.values
    if (steps >= 0).any():
        step = int(steps[steps >= 0].min())
        raise ValueError(
            f"a linear network of width {width} under {name} diverged at step {step}; give a smaller rate"
        )
    return data


def _at_width(
    images: Data,
    task: linear.Problem,
    rule: Parametrization,
    width: int,
    lr: float,
    scale: Scale,
    device: str,
    quantities: Sequence[str] = QUANTITIES,
) -> xr.Dataset:
    """Train the networks of one width, and predict each from its weights before training."""
    seeds = range(scale.linear_seeds)
    ensemble = nets.Ensemble.of(
        build,
        rule,
        width=width,
        inputs=task.inputs,
        outputs=task.outputs,
        seeds=seeds,
        lrs=[lr],
        gamma=GAMMA,
        device=device,
    )
    state = initial_state(ensemble, rule, width=width, inputs=task.inputs, outputs=task.outputs)
    at = settings.observed_steps(scale.linear_steps) if quantities else []
    samples = settings.rotate(images) if scale.rotated else images
    trained = nets.train(
        ensemble,
        (samples.inputs, samples.targets),
        steps=scale.linear_steps,
        observe_at=at,
        quantities=quantities,
        tolerance=1e-6,
    ).isel(lr=0, drop=True)
    if "ntk" in trained:
        trained["ntk"] = trained.ntk * (images.samples / samples.samples)
    arguments = {"width": width, "lr": lr, "steps": scale.linear_steps, "gamma": GAMMA, "seeds": seeds}
    asked = {
        "quantities": quantities,
        "spectra_at": sorted({*range(0, scale.linear_steps, 2), *at}) if at else [],
    }
    predicted = linear.trajectory(task, rule, state=state, **arguments, **asked)  # type: ignore[arg-type]
    other, asked["spectra_at"] = np.roll(np.arange(len(seeds)), 1), at
    control = linear.trajectory(task, rule, state=state[other], **arguments, **asked)  # type: ignore[arg-type]
    origins = {"measured": trained, "predicted": predicted, "control": control}
    joined = xr.concat(list(origins.values()), dim="origin", join="override", combine_attrs="drop_conflicts")
    return joined.assign_coords(origin=list(origins))


def build(width: int, inputs: int, outputs: int) -> "nets.models.MLP":
    """Return the plain two-layer linear network."""
    return nets.models.mlp(2, width, inputs, outputs, activation="linear")


def initial_state(
    ensemble: "nets.Ensemble", rule: Parametrization, *, width: int, inputs: int, outputs: int
) -> linear.State:
    """Return the Gram blocks of each member's weights, scaled to unit variance at initialisation."""
    first, second = linear.initial_scales(rule, width=width, inputs=inputs, outputs=outputs, gamma=GAMMA)
    weights = ensemble.weights()
    embedding = np.stack([member["input.weight"].T / first for member in weights])
    readout = np.stack([member["readout.weight"] / second for member in weights])
    kappa = linear.coefficients(rule, width=width, inputs=inputs, outputs=outputs, gamma=GAMMA, lr=1.0).kappa
    return linear.from_weights(embedding, readout, kappa=kappa)
