"""Bounds that hold: residuals and certificates over a table of networks and spectra, against dense matrices.

The oracle is numpy's eigvalsh of the matrix in float64. 240 networks (4 models, 3 losses, 5 training times,
4 seeds), a twelfth of them in the default tests, and 120 spectra that are clustered or nearly symmetric.
Planted tops are in test_certificate.py.
"""

from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional

from scalewright import nets
from scalewright.sim import data as arrays

MODELS = {
    "tanh": lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4)),
    "relu": lambda: nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 4)),
    "linear": lambda: nn.Sequential(nn.Linear(6, 7, bias=False), nn.Linear(7, 4, bias=False)),
    "conv": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 3, 3), nn.GELU(), nn.Flatten(), nn.Linear(12, 4)
    ),
}
LOSSES = ("mse", "cross-entropy", "smooth")
TIMES, SEEDS = (0, 1, 10, 100, 400), range(4)
CASES = list(product(MODELS, LOSSES, TIMES, SEEDS))


def smooth(outputs, targets):
    """Return a convex loss that is none of ours: log cosh of the residual."""
    return (functional.softplus(2 * (outputs - targets)) - (outputs - targets)).sum(1).mean()


def trained(model, loss, steps, seed):
    """Return a network after `steps` of gradient descent on eight pixels of 64 digits, in float64."""
    torch.manual_seed(seed)
    network = MODELS[model]().double()
    digits = arrays.load("digits", samples=64)
    inputs = torch.from_numpy(digits.inputs[:, 18:24].copy())
    classes = torch.from_numpy(digits.targets[:, :4].copy()).argmax(1)
    targets = classes if loss == "cross-entropy" else functional.one_hot(classes, 4).double()
    chosen = smooth if loss == "smooth" else loss
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    criterion = {"mse": functional.mse_loss, "cross-entropy": functional.cross_entropy, "smooth": smooth}[
        loss
    ]
    for _ in range(steps):
        optimizer.zero_grad()
        criterion(network(inputs), targets).backward()
        optimizer.step()
    return network, chosen, (inputs, targets)


def checked(pairs, exact, share):
    """Return (true error over bound, whether the top was missed by more than certified) of the first pair.

    The allowance for arithmetic is the one that is reported: 100 roundings of the largest |eigenvalue|.
    """
    value = pairs.values[0, 0]
    nearest = np.abs(exact - value).min()
    missing = (exact[-1] - value) / (exact[-1] - exact[0]) > share * pairs.certified_to[0, 0]
    return nearest / pairs.errors[0, 0], bool(missing)


def run_table(cases):
    """Return the ratios of true error to bound and the number of missed tops over the cases."""
    ratios, missed = [], 0
    for model, loss, steps, seed in cases:
        network, chosen, batch = trained(model, loss, steps, seed)
        exact = np.linalg.eigvalsh(nets.Hessian(network, chosen, batch).dense()[0].numpy())
        for dtype, tolerance in product((torch.float32, torch.float64), (1e-2, 1e-3)):
            low = tuple(part.to(dtype) if part.is_floating_point() else part for part in batch)
            same = MODELS[model]().to(dtype)
            same.load_state_dict(network.state_dict())
            pairs = nets.sharpness(same, chosen, low, tolerance=tolerance, seed=seed)
            ratio, miss = checked(pairs, exact, 1.0)
            ratios.append(ratio)
            missed += miss
            assert pairs.converged.all()
    return np.array(ratios), missed


def allowed(cases):
    """Return the largest number of misses of 1 % that a one-sided binomial test at 0.1 % accepts."""
    return int(stats.binom.ppf(0.999, cases, 0.01))


def test_oracle_bounds_hold_on_networks():
    """Oracle: true error to the nearest eigenvalue <= residual bound; missed tops are as rare as stated."""
    ratios, missed = run_table(CASES[::12])
    assert ratios.max() <= 1
    assert missed <= allowed(len(ratios))
    assert len(ratios) == 80


@pytest.mark.slow
def test_oracle_bounds_hold_on_the_whole_table():
    """Oracle: as above, on all 240 networks, in float32 and float64, at two tolerances."""
    ratios, missed = run_table(CASES)
    assert len(ratios) == 960
    assert ratios.max() <= 1
    assert missed <= allowed(len(ratios))


SHAPES = {
    "clustered": lambda r, n: np.r_[r.uniform(-1, 1, n - 4), 2 - 10.0 ** -r.uniform(1, 6, 4)],
    "clustered bulk": lambda r, n: (
        np.repeat(r.uniform(-1, 1, n // 4), 4) + 1e-7 * r.standard_normal(n // 4 * 4)
    ),
    "nearly symmetric": lambda r, n: (
        np.r_[b := r.uniform(0, 1, n // 2), -b] + 1e-3 * r.standard_normal(n // 2 * 2)
    ),
    "symmetric": lambda r, n: np.r_[b := r.uniform(0, 1, n // 2), -b],
    "outliers": lambda r, n: np.r_[0.01 * r.standard_normal(n - 5), 1, 2, 3, 4, 5],
    "wide": lambda r, n: 10.0 ** r.uniform(-8, 2, n) * r.choice([-1, 1], n),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_oracle_bounds_hold_on_spectra(shape, dtype, known):
    """Oracle: the eigenvalues that the matrix was made of, as stored in its dtype; ten draws each."""
    missed, cases = 0, 0
    for draw, tolerance in product(range(10), (1e-1, 1e-2, 1e-3)):
        operator = known(SHAPES[shape](np.random.default_rng(draw), 120), dtype, seed=draw)
        matrix = operator.matrices[0].double()
        exact = np.linalg.eigvalsh(((matrix + matrix.T) / 2).numpy())
        pairs = nets.top_eigenpairs(operator, tolerance=tolerance, seed=draw)
        ratio, miss = checked(pairs, exact, 1.0)
        assert ratio <= 1
        missed, cases = missed + miss, cases + 1
    assert missed <= allowed(cases)


def test_control_a_hundredth_of_the_bounds_does_not_hold(known):
    """Control: the residual itself is no overestimate by much: a hundredth of the bounds is exceeded."""
    ratios, missed = [], 0
    for draw in range(40):
        spectrum = SHAPES["clustered"](np.random.default_rng(draw), 120)
        operator = known(spectrum, seed=draw)
        pairs = nets.top_eigenpairs(operator, tolerance=1e-1, seed=draw)
        ratio, miss = checked(pairs, np.sort(spectrum), 0.01)
        ratios.append(ratio)
        missed += miss
    assert max(ratios) > 0.01
    assert missed > allowed(40)
