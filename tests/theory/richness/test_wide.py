"""Two wide layers: the two-variable map against a network, its catapults, and the band of cross-entropy."""

import numpy as np
import pytest
from sympy import Symbol, lambdify

from scalewright.theory.richness import loss_named, wide
from scalewright.theory.richness.symbols import GAMMA, OUTPUT, PULL, STEPS

A = Symbol("a", positive=True)


@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
def test_oracle_the_map_is_that_of_a_network(loss):
    """Independent: 40 units with random weights, centred, every weight moved by its own gradient."""
    rng, gamma, eta = np.random.default_rng(0), 0.7, 0.3
    u, w = rng.normal(size=(2, 40))
    start = np.mean(u * w)
    pull = lambdify(OUTPUT, loss_named(loss).pull)
    step = lambdify((wide.PRODUCT, wide.KERNEL, wide.STEP, PULL), wide.two_variable_map())
    s, k = np.mean(u * w), np.mean(u**2 + w**2)
    for _ in range(30):
        d = pull((np.mean(u * w) - start) / gamma)
        u, w = u + eta / gamma * d * w, w + eta / gamma * d * u
        s, k = step(s, k, eta / gamma, pull((s - start) / gamma))
    assert s == pytest.approx(np.mean(u * w), rel=1e-12)
    assert k == pytest.approx(np.mean(u**2 + w**2), rel=1e-12)


def test_identity_the_flow_keeps_the_imbalance():
    assert wide.flow_kernel(0) == 2
    assert float(wide.flow_kernel(1).subs(GAMMA, 3)) == pytest.approx(2 * np.sqrt(10))


def test_property_every_catapult_below_4_ends_stable():
    """k falls in every step, x is forgotten, and the end is stable: at most 2."""
    step = lambdify(wide_symbols(), wide.catapult_map())
    k, x = np.meshgrid(np.linspace(0.1, 3.95, 78), np.geomspace(1e-6, 1e-2, 9))
    for _ in range(20_000):
        before = k
        x, k = step(k, x)
        assert (k <= before * (1 + 1e-12)).all()
    assert (k <= 2 + 1e-3).all()
    assert (np.abs(x) < 0.05).all()


def wide_symbols():
    return sorted(wide.catapult_map()[0].free_symbols, key=str)


def test_control_above_4_the_kernel_only_grows():
    step = lambdify(wide_symbols(), wide.catapult_map())
    k, x = 4.1, 1e-3
    for _ in range(60):
        before = k
        x, k = step(k, x)
        assert k >= before
        if k > 1e3:
            break
    assert k > 1e3


def test_identity_the_band_ends_where_the_drift_vanishes():
    ratio = wide.edge_ratio()
    assert abs(float(wide.drift(A).subs(A, ratio))) < 1e-12
    assert float(wide.drift(2)) < 0 < float(wide.drift(3))
    assert float(ratio) == pytest.approx(2.19961, abs=5e-6)


def test_control_the_island_is_no_part_of_the_band():
    """There the kernel drifts upwards, and one first step balances the layers: w - u becomes 0."""
    island = float(wide.island_ratio())
    assert island == pytest.approx(2 * (np.e + 1) / (np.e - 1))
    assert float(wide.drift(wide.island_ratio())) > 0
    step = lambdify((wide.PRODUCT, wide.KERNEL, wide.STEP, PULL), wide.two_variable_map())
    s, k = step(0.0, 2.0, island, float(loss_named("cross-entropy").pull_at(0)))
    assert k == pytest.approx(2 * s, rel=1e-12)


def test_identity_the_hole_s_bound_solves_its_equation():
    gamma, steps = 1e-4, 1e5
    alpha = float(wide.hole_edge().subs({GAMMA: gamma, STEPS: steps}).evalf()) / gamma
    right = np.e / (1 + np.e)
    kappa = right * (1 - right)
    assert (alpha * right) ** 2 * steps == pytest.approx(np.log(alpha * kappa / gamma), rel=1e-9)
    exact = float(wide.catapult_steps(A * GAMMA).subs({A: alpha, GAMMA: gamma}))
    assert exact == pytest.approx(steps, rel=1e-3)
