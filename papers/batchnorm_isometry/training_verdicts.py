"""Judge the trained networks: epochs to an accuracy across depths, controls, weights, and evaluation."""

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from scalewright.papers.batchnorm_isometry import predictions
from scalewright.papers.batchnorm_isometry.exponent_verdicts import over
from scalewright.papers.batchnorm_isometry.training import KINDS
from scalewright.papers.batchnorm_isometry.verdicts import slopes
from scalewright.sim import fit
from scalewright.sim.fit import Estimate
from scalewright.sim.verdict import Verdict, judge
from scalewright.theory import isometry

#: Training accuracy by which depths are compared, and one near the ceiling of the linear networks.
LEVEL, LATE = 0.8, 0.9


def epochs_to(data: xr.Dataset, level: float) -> np.ndarray:
    """Return the epochs that each seed needs to a training accuracy, by lines between; inf for never."""
    found = []
    for row in data.accuracy.transpose("seed", "epoch").values:
        above = np.flatnonzero(row >= level)
        if not len(above):
            found.append(math.inf)
            continue
        last = int(above[0])
        rise = row[last] - row[last - 1] if last else 1.0
        found.append(last - (row[last] - level) / rise if last else 0.0)
    return np.array(found)


def ratio(runs: Mapping[int, xr.Dataset], level: float) -> Estimate:
    """Largest over smallest mean number of epochs across depths; error from the spread over seeds.

    Where a network did not get there, the ratio is only known to be larger than the length of its run allows.
    """
    means = {depth: epochs_to(run, level) for depth, run in runs.items()}
    low, high = (pick(means, key=lambda depth: float(means[depth].mean())) for pick in (min, max))
    count, ran = len(means[low]), min(run.sizes["epoch"] - 1 for run in runs.values())
    if not np.isfinite(means[high]).all():
        least = ran / float(means[low].mean())
        return Estimate(max(1.0, least), 0.0, max(1.0, least), math.inf, count)
    value = float(means[high].mean() / means[low].mean())
    if count < 2:
        return Estimate(value, 0.0, value, value, count)
    estimates = [fit.interval(means[depth]) for depth in (low, high)]
    relative = math.hypot(*((e.high - e.value) / e.value for e in estimates))
    error = value * math.hypot(*(e.standard_error / e.value for e in estimates))
    return Estimate(value, error, value * (1 - relative), value * (1 + relative), count)


def table(runs: Mapping[int, xr.Dataset], level: float) -> str:
    """Say the mean number of epochs at each depth."""
    means = {depth: float(epochs_to(run, level).mean()) for depth, run in runs.items()}
    return ", ".join(f"{mean:.1f} at {depth}" for depth, mean in means.items())


def across_depths(name: str, runs: Mapping[int, xr.Dataset]) -> list[Verdict]:
    """P12: epochs to an accuracy, largest over smallest across depths."""
    kind, rows = KINDS[name], []
    controls = "" if name in ("linear", "tanh", "sin") else "-control"
    for id, level in (("epochs", LEVEL), ("late-epochs", LATE)):
        if controls and level == LATE:
            continue
        rows.append(
            judge(
                f"{id}-{name}{controls}",
                f"{kind.label}, rate {kind.lr:g}: epochs to {level:.0%} training accuracy "
                f"({table(runs, level)}), "
                "largest over smallest",
                ratio(runs, level),
                predicted=1.0,
                tolerance=1.0,
                expected="break" if controls else "hold",
                basis="depth independent training: within a factor 2",
            )
        )
    return rows


def fails(name: str, run: xr.Dataset) -> list[Verdict]:
    """A control: the last training accuracy at the largest compared depth, 0 where the run broke off."""
    kind, depth = KINDS[name], int(run.attrs["depth"])
    last = np.nan_to_num(run.accuracy.transpose("seed", "epoch").values[:, -1])
    said = "" if run.attrs["status"] == "complete" else f" ({run.attrs['status'].split(';')[0]})"
    return [
        judge(
            f"trains-{name}-control",
            f"{kind.label}, depth {depth}: learns the training images to 80 % in {run.sizes['epoch'] - 1} "
            f"epochs{said}",
            _interval(last),
            predicted=1.0,
            tolerance=0.2,
            expected="break",
            basis="without shaping, gradients grow by R(1) a layer",
        )
    ]


def _interval(values: np.ndarray) -> Estimate:
    if len(values) < 2:
        return Estimate(float(values[0]), 0.0, float(values[0]), float(values[0]))
    return fit.interval(values)


def deep(name: str, run: xr.Dataset) -> list[Verdict]:
    """The deepest network trains, and its weights stay near orthogonal (figures 4 and 6)."""
    depth = int(run.attrs["depth"])
    gaps = run.weight_gap.isel(epoch=-1, layer=slice(1, -1)).values
    return [
        judge(
            f"deep-{name}",
            f"{KINDS[name].label}, depth {depth}: training accuracy after {run.sizes['epoch'] - 1} epochs",
            _interval(run.accuracy.isel(epoch=-1).values),
            predicted=1.0,
            tolerance=0.2,
            basis="trains: at least 80 %",
        ),
        judge(
            f"deep-weights-{name}",
            f"{KINDS[name].label}, depth {depth}: isometry gap of hidden weights after training, largest",
            float(np.nanmax(gaps)),
            predicted=0.0,
            tolerance=1e-2,
            basis="figure 6: between 1e-4 and 1e-2",
        ),
    ]


def weights_control(name: str, run: xr.Dataset) -> list[Verdict]:
    """A control of figure 6: unshaped networks lose the orthogonality of their weights."""
    gaps = run.weight_gap.isel(epoch=[0, -1], layer=slice(1, -1)).values
    largest = float(np.nanmax(np.where(np.isfinite(gaps), gaps, 1e3)))
    broke = run.attrs["status"] != "complete"
    return [
        judge(
            f"deep-weights-{name}-control",
            f"{KINDS[name].label}, depth {int(run.attrs['depth'])}: hidden weights stay near "
            f"orthogonal (largest "
            "gap; 1000 stands for a singular matrix or numbers that overflowed)",
            1e3 if broke else largest,
            predicted=0.0,
            tolerance=1e-2,
            expected="break",
            basis="the gradient of the first layers outweighs their weights",
        )
    ]


def on_images(orthogonal: xr.Dataset, gaussian: xr.Dataset, layers: xr.Dataset) -> list[Verdict]:
    """Figure 3 on images: Gaussian weights explode, orthogonal ones follow the law of the batch's rank."""
    width, rank = int(layers.attrs["width"]), int(layers["rank"])
    deepest, first = int(orthogonal.depth.values[-1]), int(orthogonal.depth.values[0])
    rows = [
        judge(
            f"figure-3-{name}",
            f"{label} weights, d = {width}, images: log |dL/dW_2| grows by less than 3.5 nats from "
            f"depth {first} to "
            f"{deepest}",
            fit.interval((data.log_gradient.sel(depth=deepest) - data.log_gradient.sel(depth=first)).values),
            predicted=0.0,
            tolerance=3.5,
            expected=expected,  # type: ignore[arg-type]
            basis="figure 3: flat against about 10 nats at depth 1000",
        )
        for name, label, data, expected in (
            ("orthogonal", "Orthogonal", orthogonal, "hold"),
            ("gaussian-control", "Gaussian", gaussian, "break"),
        )
    ]
    found = slopes(layers.log_gradient.values)
    if rank < width:
        rows.append(
            judge(
                "rank-of-images",
                f"Orthogonal weights, d = {width}, a batch of images of rank "
                f"{rank}: slope of "
                f"log |dL/dW_l| over the one of n = {rank} samples",
                over(found, isometry.orthogonal_rate(rank, width)),
                predicted=1.0,
                tolerance=0.25,
                basis="the law of degenerate batches; band: that of P10",
            )
        )
    else:
        rows.append(
            judge(
                "rank-of-images",
                f"Orthogonal weights, d = {width}, a batch of images of full rank: slope of log |dL/dW_l|",
                found,
                predicted=0.0,
                tolerance=1e-3,
                basis="derived: 0",
            )
        )
    return rows


def overflow(single: xr.Dataset, double: xr.Dataset) -> list[Verdict]:
    """An unshaped network's gradient overflows float32, which is said; float64 shows its size."""
    depth = double.sizes["layer"] - 1
    predicted = depth * predictions.response("sin", 1.0)
    return [
        judge(
            "overflow-said",
            f"sin, unshaped, depth {depth}, float32: update at which the run stops "
            f"({single.attrs['status']})",
            float(single.diverged_at),
            predicted=0.0,
            tolerance=0.0,
            basis="R(1) times the depth is more than the 88 nats of float32",
        ),
        judge(
            "overflow-size",
            f"sin, unshaped, depth {depth}, float64: log |dL/dW_1| - log |dL/dW_L| over R(1) times "
            f"the depth, "
            f"{predicted:.0f} nats",
            float(double.log_gradient[0, 0] - double.log_gradient[0, -2]) / predicted,
            predicted=1.0,
            tolerance=0.15,
            basis="mean field; band: its error at n = d = 64 and gain 1",
        ),
        judge(
            "overflow-control",
            f"sin, unshaped, depth {depth}, float64: the gradient overflows as well (update, -1 for none)",
            float(double.diverged_at) if "overflow" in double.attrs["status"] else -1.0,
            predicted=0.0,
            tolerance=0.0,
            expected="break",
            basis="float64 holds 709 nats",
        ),
    ]


def evaluation(repeated: xr.Dataset, full: xr.Dataset) -> list[Verdict]:
    """Running averages serve better than the batch, except in deep networks on degenerate batches."""
    rows = []
    shallow, deepest = (int(d) for d in repeated.depth.values)

    def gain(data: xr.Dataset, depth: int) -> Estimate:
        return _interval((data.running_accuracy - data.test_accuracy).sel(depth=depth).values)

    what = "held-out accuracy with running averages minus that with batch statistics"
    width, narrow = int(repeated.attrs["width"]), int(full.attrs["width"])
    rank = int(repeated["rank"])
    rows.append(
        judge(
            "evaluation-shallow",
            f"Linear, d = {width}, depth {shallow}: {what}",
            gain(repeated, shallow),
            predicted=0.1,
            tolerance=0.1,
            basis="an average is less noisy than one batch: 0 to 20 points better",
        )
    )
    for id, data, features in (
        ("evaluation-deep", repeated, width),
        ("evaluation-deep-full-rank", full, narrow),
    ):
        full_rank = features <= rank
        rows.append(
            judge(
                id,
                f"Linear, d = {features}, batches of rank {rank}, depth {deepest}: {what} is no "
                f"worse than -0.1",
                gain(data, deepest),
                predicted=0.45,
                tolerance=0.55,
                expected="hold" if full_rank else "break",
                basis="rows of an isometry have equal norms in every batch: nothing is averaged away"
                if full_rank
                else "fixed scales don't undo the spread of directions, which grows with depth",
            )
        )
    return rows
