"""Networks over the plane: against one network trained by hand, holes in the plane, both types, bad input."""

from functools import partial

import numpy as np
import pytest
import torch

from scalewright import nets, theory
from scalewright.nets import plane
from scalewright.nets.data import TensorData

BUILD = partial(nets.models.mlp, 3, activation="tanh")
SIZES = {"width": 8, "inputs": 3, "outputs": 1}


def rule(optimizer="sgd"):
    return theory.named(theory.mlp(3, "tanh", loss="squared"), "mup", optimizer)


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return rng.standard_normal((6, 3)), rng.standard_normal((6, 1))


def test_oracle_a_cell_is_the_paper_s_network_written_out(pair):
    """Independent: f = (F - F_0)/gamma with unit-variance weights, at the rate N eta, by torch's autograd."""
    gamma, eta, steps = 5.0, 2.0, 4
    cells = plane.Cells((gamma,), (eta,), (3,), np.ones((1, 1), bool))
    found = plane.train(
        BUILD,
        rule(),
        cells,
        pair,
        steps=steps,
        recorded=range(steps + 1),
        device="cpu",
        dtype="float64",
        **SIZES,
    )
    single = nets.Ensemble.stack(BUILD, rule(), [nets.Member(3, 1.0, 1.0)], device="cpu", **SIZES)
    start = {name: weight[0].clone() for name, weight in single.initial.items()}
    weights = {name: weight.clone().requires_grad_() for name, weight in start.items()}
    inputs, targets = map(torch.from_numpy, pair)

    def out(w):
        h = torch.tanh(inputs @ w["input.weight"].T / 3**0.5)
        h = torch.tanh(h @ w["hidden.0.weight"].T / 8**0.5)
        return h @ w["readout.weight"].T / 8

    losses = []
    for _ in range(steps + 1):
        loss = ((out(weights) - out(start)) / gamma - targets).square().sum() / 12
        losses.append(float(loss.detach()))
        gradients = torch.autograd.grad(loss, list(weights.values()))
        with torch.no_grad():
            for weight, gradient in zip(weights.values(), gradients, strict=True):
                weight -= eta * 8 * gradient
    np.testing.assert_allclose(found.loss.values[0, 0, 0], losses, rtol=1e-10)


def test_property_a_lazy_network_depends_on_eta_over_gamma_squared(pair):
    """Property: at gamma = 1e-4 and 1e-5 the same loss to O(gamma); Adam's rate goes as gamma."""
    for optimizer, power in (("sgd", 2), ("adam", 1)):
        losses = []
        for gamma in (1e-4, 1e-5):
            cells = plane.Cells((gamma,), (0.02 * gamma**power,), (0,), np.ones((1, 1), bool))
            settings = nets.Settings(eps=1e-30)
            found = plane.train(
                BUILD, rule(optimizer), cells, pair, steps=5, settings=settings, device="cpu", **SIZES
            )
            losses.append(found.loss.item())
        assert losses[0] == pytest.approx(losses[1], rel=1e-2)


def test_holes_blocks_and_seeds_of_their_own(pair):
    """A plane in blocks of three, each seed with data of its own, is the plane in one block."""

    def own(seeds):
        inputs, targets = (torch.from_numpy(part) for part in pair)
        factors = torch.tensor([1.0 + seed for seed in seeds], dtype=torch.float64)
        return TensorData(inputs.expand(len(seeds), -1, -1), factors[:, None, None] * targets, shared=False)

    cells = plane.Cells.between(
        (1e-3, 1.0, 10.0),
        (1e-7, 1e-2, 1.0, 1e4),
        (0, 1),
        low=lambda g: 1e-2 * g**2 * (g > 1e-2),
        high=lambda g: 1e2 * g**2,
    )
    runs = [
        plane.train(
            BUILD,
            rule(),
            cells,
            own,
            steps=20,
            level=0.3,
            quantities=("gauss_newton",),
            block=block,
            device="cpu",
            dtype="float64",
            **SIZES,
        )
        for block in (3, 100)
    ]
    for name in ("loss", "reached_at", "diverged_at", "peak_loss"):
        np.testing.assert_allclose(runs[0][name].values, runs[1][name].values, rtol=1e-9)
    missing = runs[0].diverged_at.values == -2
    assert (missing == ~np.repeat(cells.chosen[..., None], 2, -1)).all()
    assert np.isnan(runs[0].loss.values[missing]).all()
    fine = runs[0].diverged_at.values == -1
    assert (runs[0].gauss_newton.values[fine] > 0).all()
    assert np.isnan(runs[0].gauss_newton.values[~fine]).all()


def test_float32_is_refused_where_centring_cancels_and_auto_chooses(pair):
    cells = plane.Cells((1e-3, 1.0), (1e-7, 1e-2), (0,), np.eye(2, dtype=bool))
    with pytest.raises(ValueError, match=r"dtype must be float64 .*given float32 at gamma = 0.001"):
        plane.train(BUILD, rule(), cells, pair, steps=1, dtype="float32", device="cpu", **SIZES)
    with pytest.raises(ValueError, match="dtype must be 'auto', 'float32' or 'float64'; given 'f32'"):
        plane.train(BUILD, rule(), cells, pair, steps=1, dtype="f32", device="cpu", **SIZES)
    with pytest.raises(ValueError, match="block must be at least 1; given 0"):
        plane.train(BUILD, rule(), cells, pair, steps=1, block=0, device="cpu", **SIZES)
    found = plane.train(BUILD, rule(), cells, pair, steps=1, device="cpu", **SIZES)
    assert np.isfinite(found.loss.values[np.eye(2, dtype=bool)]).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (((0.0,), (1.0,), (0,), np.ones((1, 1), bool)), "gammas must be positive, finite and increasing"),
        (((1.0,), (2.0, 1.0), (0,), np.ones((1, 2), bool)), "etas must be positive"),
        (((1.0,), (1.0,), (), np.ones((1, 1), bool)), "seeds must hold at least one, and each once"),
        (((1.0,), (1.0,), (0, 0), np.ones((1, 1), bool)), "each once; given \\(0, 0\\)"),
        (((1.0,), (1.0,), (0,), np.zeros((1, 1), bool)), "mark at least one of 1 x 1 cells; given 0"),
        (((1.0,), (1.0,), (0,), np.ones((2, 1), bool)), "given 2 of shape"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        plane.Cells(*given)
