"""Judge what happens in rescaled time: features, losses, predictors."""

import numpy as np
import xarray as xr

from scalewright.sim import fit, paired
from scalewright.sim.verdict import Verdict, judge

#: Index of the last hidden layer among the layers of `alignment`.
LAST_HIDDEN = -2


def rich(data: xr.Dataset) -> xr.Dataset:
    """Return the networks of large gamma."""
    return data.isel(gamma=np.flatnonzero(data.gamma.values > 1))


def relative_loss(data: xr.Dataset) -> np.ndarray:
    """Return the loss over its first value (gamma, seed, step)."""
    losses = data.loss.transpose("gamma", "seed", "step").values
    return losses / losses[..., :1]


def observed(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rescaled times, alignment of the last hidden layer (gamma, seed, point), relative loss."""
    aligned = data.alignment.transpose("gamma", "seed", "step", "layer").values[..., LAST_HIDDEN]
    points = np.flatnonzero(np.isfinite(aligned[0, 0]))
    times = data.step.values[points] * data.attrs["tau_step"]
    return times, aligned[..., points], relative_loss(data)[..., points]


def deviations(data: xr.Dataset) -> np.ndarray:
    """Return the largest distance of alignment curves from that of the largest gamma, one a seed (seeds,).

    At points where every one of these losses is above nine tenths of its first value.
    """
    _, aligned, losses = observed(rich(data))
    still = np.asarray((losses > 0.9).all(axis=0))
    apart = np.abs(aligned - aligned[-1]).max(axis=0)
    return np.array([apart[seed][still[seed]].max() for seed in range(len(still))])


def raw_deviations(data: xr.Dataset) -> np.ndarray:
    """Return the same where the curves of the smallest and the largest gamma are laid at equal raw times.

    At one learning rate, a network of gamma_2 has after the same number of steps the rescaled time
    gamma_1 / gamma_2 of one of gamma_1.
    """
    times, aligned, losses = observed(rich(data))
    gammas = rich(data).gamma.values
    found = []
    for seed in range(aligned.shape[1]):
        late = np.interp(times * gammas[0] / gammas[-1], times, aligned[-1, seed])
        still = (losses[:, seed] > 0.9).all(axis=0)
        found.append(np.abs(aligned[0, seed] - late)[still].max())
    return np.array(found)


def share_before(data: xr.Dataset) -> np.ndarray:
    """Return which share of its rise the alignment has made when the loss has fallen by 1 %, largest gamma.

    The rise is that until the loss has halved; a seed whose loss has not is left out.
    """
    _, aligned, losses = observed(rich(data))
    aligned, losses = aligned[-1], losses[-1]
    seeds = _halved(losses)
    moved, halved = ((losses[seeds] < level).argmax(axis=1) for level in (0.99, 0.5))
    start = aligned[seeds, 0]
    return (aligned[seeds, moved] - start) / (aligned[seeds, halved] - start)


def lazy_rise(data: xr.Dataset) -> np.ndarray:
    """Return the rise of the alignment of the lazy network over that of the richest, until the half loss."""
    _, aligned, losses = observed(data)
    order = np.argsort(data.gamma.values)
    seeds, rises = _halved(losses[order[-1]]), []
    for index in (order[0], order[-1]):
        halved = (losses[index, seeds] < 0.5).argmax(axis=1)
        rises.append(aligned[index, seeds, halved] - aligned[index, seeds, 0])
    return rises[0] / rises[1]


def _halved(losses: np.ndarray) -> np.ndarray:
    """Return the seeds whose loss has halved; ValueError where fewer than two have."""
    seeds = np.flatnonzero((losses < 0.5).any(axis=1))
    if len(seeds) < 2:
        raise ValueError(
            f"collapse: the loss of at least 2 seeds must halve within the rescaled time; {len(seeds)} have: "
            "allow more of it"
        )
    return seeds


def half_times(data: xr.Dataset) -> np.ndarray:
    """Return the rescaled time at which the loss has halved (gammas > 1, seeds that have at all of them)."""
    losses = relative_loss(rich(data))
    losses = losses[:, (losses < 0.5).any(axis=2).all(axis=0)]
    times = data.step.values * data.attrs["tau_step"]
    return np.array([[np.interp(-0.5, -curve, times) for curve in row] for row in losses])


def alignment(data: xr.Dataset) -> list[Verdict]:
    """T10: collapse of alignment curves in rescaled time, and silent alignment."""
    name = f"{data.attrs['kind']}-{data.attrs['layers']}"
    who = f"{data.attrs['kind']}, {data.attrs['layers']} layers"
    gammas = rich(data).gamma.values
    rows = [
        judge(
            f"collapse-{name}",
            f"{who}, gamma from {gammas[0]:g} to {gammas[-1]:g}: largest distance of the alignment curves at "
            "equal rescaled time, while the loss is above 0.9 of its first value",
            fit.interval(deviations(data)),
            predicted=0.0,
            tolerance=0.005,
            basis="while the residual is the target, the weights follow a flow without gamma",
        ),
        judge(
            f"collapse-{name}-control",
            f"{who}: the same at equal raw time",
            fit.interval(raw_deviations(data)),
            predicted=0.0,
            tolerance=0.005,
            expected="break",
            basis="one rate, as many steps",
        ),
    ]
    if data.attrs["kind"] != "relu":
        return rows
    slope = paired.slope(gammas, half_times(data))
    return [
        *rows,
        judge(
            f"silent-{name}",
            f"{who}, gamma = {gammas[-1]:g}: share of its rise that the alignment has made when the loss has "
            "fallen by 1 %",
            fit.interval(share_before(data)),
            predicted=1.0,
            tolerance=0.25,
            basis="silent alignment: features move first",
        ),
        judge(
            f"silent-{name}-control",
            f"{who}: rise of the alignment of a lazy network over that of the richest",
            fit.interval(lazy_rise(data)),
            predicted=1.0,
            tolerance=0.25,
            expected="break",
            basis="lazy features do not move",
        ),
        judge(
            f"plateau-{name}",
            f"{who}: rescaled time of the half loss as a power of gamma",
            slope,
            predicted=0.0,
            tolerance=0.05,
            basis="theory.richness: the plateau of three and more layers ends at a fixed rescaled time",
        ),
    ]


def distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return |f - g| / |g| over the samples, the last axis."""
    return np.linalg.norm(one - other, axis=-1) / np.linalg.norm(other, axis=-1)


def predictors(data: xr.Dataset) -> list[Verdict]:
    """T10: trained predictors of large gammas agree at equal rescaled time, and not at equal raw time."""
    outputs = data.outputs.transpose("gamma", "seed", "step", "sample").values
    gammas = data.gamma.values
    low, high = int(np.argmin(np.abs(gammas - 1e3))), len(gammas) - 1
    early = int(np.argmin(np.abs(data.step.values - data.step.values[-1] * gammas[low] / gammas[high])))
    rows = (
        ("", "at equal rescaled time", outputs[low, :, -1], outputs[high, :, -1], "hold"),
        ("-raw-control", "at equal raw time", outputs[high, :, early], outputs[low, :, -1], "break"),
        ("-lazy-control", "and of a lazy network", outputs[0, :, -1], outputs[high, :, -1], "break"),
    )
    what = "relu, 3 layers: relative distance on fresh inputs of trained predictors of gamma ="
    return [
        judge(
            f"predictors{end}",
            f"{what} {gammas[high]:g} {said}"
            if "lazy" in end
            else f"{what} {gammas[low]:g} and {gammas[high]:g} {said}",
            fit.interval(distance(one, other)),
            predicted=0.0,
            tolerance=0.15,
            expected=expected,  # type: ignore[arg-type]
            basis="both follow the flow of small weights; band: what gamma^(-1/L) leaves of the start",
        )
        for end, said, one, other, expected in rows
    ]
