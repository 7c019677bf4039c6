"""Train an ensemble and observe it on the way, as a trajectory over its axes."""

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
import xarray as xr

from scalewright.nets.descent import Descent, Progress
from scalewright.nets.ensemble import Ensemble
from scalewright.nets.feeds import as_feed
from scalewright.nets.losses import Loss, resolve
from scalewright.nets.optimizers import Settings
from scalewright.nets.program import Program
from scalewright.nets.record import Precision, check_quantities
from scalewright.sim.dataset import dataset


def train(
    ensemble: Ensemble,
    data: Any,
    *,
    steps: int,
    loss: str | Loss = "mse",
    observe_at: Iterable[int] = (),
    quantities: Sequence[str] = ("sharpness", "gauss_newton", "residual", "ntk"),
    settings: Settings | None = None,
    compiled: bool = False,
    divergence: float = 1e6,
    tolerance: float = 1e-3,
    budget: int = 200,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Train every member for `steps` updates at its own learning rate and return the trajectory.

    The optimizer is the one of the ensemble's parametrization. Entry t of the `step` dimension is before
    update t, so 0 is the initialisation and `steps` the end. The ensemble's weights move in place.

    A member diverges at the first step at which the loss of its batch is not finite or above `divergence`
    times the first one. It is frozen there: its weights keep their bytes, its loss at that step is kept and
    is nan afterwards, its spectra are nan from that step on, `diverged_at` says when, and the others don't
    notice.

    Args:
        ensemble: the networks.
        data: an (inputs, targets) pair or the result of `data.load`, the whole of it at every step; or a
            feed: `feeds.Minibatches`, `feeds.Online`. Losses and observables are those of its evaluation.
        steps: number of updates.
        loss: "mse" or "cross-entropy".
        observe_at: steps at which `quantities` are measured; they are nan at the others.
        quantities: of "sharpness", "raw_sharpness", "gauss_newton", "residual", "ntk" (largest eigenvalues;
            under Adam, Lambda is the preconditioner of the update to come), "feature_change", "alignment",
            "gradient_norm" (by layer), "logits", "accuracy", "outputs".
        settings: momentum, betas, epsilon and weight decay of the optimizer.
        compiled: translate the gradient for this machine first: some seconds, then faster steps.
        divergence: factor on the initial loss.
        tolerance, budget: of every eigenvalue, as in `top_eigenpairs`.
        progress: called as progress(done, total) after every step.

    Returns:
        A dataset with dimensions (*ensemble.axes, "step"): `loss`, `diverged_at`, each quantity and its
        `_error`, the absolute residual bound. With a feed that draws batches also `batch_loss`, that of the
        batch of the update to come. An eigenvalue that missed the tolerance is counted in the attribute
        `unconverged` and warned of.

    Raises:
        TypeError: a step that is no integer, or spectra asked for in another dtype than float32 or float64.
        ValueError: a step, quantity, tolerance, loss or data that cannot be used.

    Cost: one gradient a step; see `measure` for the spectra.
    """
    observed = _check(steps, observe_at)
    precision = Precision(tolerance, budget)
    check_quantities("train", quantities, precision if observed else Precision(), ensemble.dtype)
    descent = Descent(
        ensemble,
        as_feed(data),
        steps=steps,
        loss=loss,
        observed=observed,
        quantities=quantities if observed else (),
        settings=settings,
        program=Program(ensemble.model, resolve(loss), compiled=compiled) if compiled else None,
        divergence=divergence,
        precision=precision,
    )
    descent.run(progress)
    descent.record.warn("train")
    return _trajectory(descent)


def _trajectory(descent: Descent) -> xr.Dataset:
    """Return what a run wrote down over the ensemble's axes."""
    ensemble, record = descent.ensemble, descent.record
    shape, axes = ensemble.shape, tuple(ensemble.axes)
    variables: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    for name, values in record.values.items():
        variables[name] = ((*axes, "step", *record.dims[name]), values.reshape(*shape, *values.shape[1:]))
        sizes |= dict(zip(record.dims[name], values.shape[2:], strict=True))
    variables["diverged_at"] = (axes, ensemble.diverged_at.numpy().reshape(shape))
    indices = {dim: np.arange(size) for dim, size in sizes.items()}
    return dataset(variables, {**ensemble.axes, "step": descent.recorded, **indices}, _attrs(descent))


def _attrs(descent: Descent) -> dict[str, Any]:
    ensemble, data = descent.ensemble, descent.objective.data
    return {
        **ensemble.attrs,
        "optimizer": ensemble.optimizer,
        "loss": descent.objective.loss.name,
        "data": data.name,
        "data_sha256": data.sha256,
        "samples": data.samples,
        "dtype": str(ensemble.dtype).removeprefix("torch."),
        "device": str(ensemble.device),
        "torch": str(torch.__version__),
        "tolerance": descent.record.precision.tolerance,
        "unconverged": len(descent.record.unconverged),
    }


def _check(steps: int, observe_at: Iterable[int]) -> list[int]:
    wanted = tuple(observe_at)
    for name, value in (("steps", steps), *(("every step of observe_at", step) for step in wanted)):
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"train: {name} must be an integer; given {value!r}")
    observed = sorted({int(step) for step in wanted})
    if steps < 0:
        raise ValueError(f"train: steps must be non-negative; given {steps!r}")
    outside = [step for step in observed if not 0 <= step <= steps]
    if outside:
        raise ValueError(f"train: observe_at must lie between 0 and steps = {steps}; given {outside[0]}")
    return observed
