"""Invariants of the two-layer linear dynamics, by hypothesis; each with a control that breaks it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scalewright.sim import linear
from scalewright.sim.linear import state as states
from scalewright.theory import mlp, named

NAMES = st.sampled_from(["mup", "ntp", "sp"])
SEEDS = st.integers(0, 2**16)
INPUTS, OUTPUTS = 4, 3


def setting(name, seed, width=12):
    """Return a random problem, the coefficients of a parametrization, and a random state."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((6, INPUTS))
    task = linear.Problem(root.T @ root / 6, rng.standard_normal((INPUTS, OUTPUTS)))
    rule = named(mlp(layers=2, activation="linear"), name, "sgd")
    by = linear.coefficients(rule, width=width, inputs=INPUTS, outputs=OUTPUTS, gamma=1.0, lr=0.05)
    start = linear.initial(width=width, inputs=INPUTS, outputs=OUTPUTS, kappa=by.kappa, seeds=[seed])
    return task, rule, by, start


def balance(state, by):
    """kernel_2 tr A - kernel_1 tr v, the trace of eta_2 E^T E - eta_1 V^T V in units of the rates."""
    traces = [np.trace(part, axis1=-2, axis2=-1) for part in (state.features, state.readout)]
    return by.kernel_2 * traces[0] - by.kernel_1 * traces[1]


@settings(max_examples=40, deadline=None)
@given(NAMES, SEEDS)
def test_property_flow_conserves_balancedness(name, seed):
    """The velocity of the conserved quantity vanishes; one finite step of descent moves it (control)."""
    task, _, by, start = setting(name, seed)
    pull = task.pull(by.forward * start.overlap)
    speed = states.velocity(start, pull, by)
    moving = np.abs(by.kernel_2 * np.trace(speed.features, axis1=-2, axis2=-1))
    assert np.abs(balance(speed, by)) <= 1e-12 * (1 + moving)
    stepped = states.step(start, 30 * pull, by)
    assert np.abs(balance(stepped, by) - balance(start, by)) > 1e-9


@settings(max_examples=25, deadline=None)
@given(NAMES, SEEDS)
def test_property_rotated_inputs_change_nothing(name, seed):
    """Rotating inputs, solution and weights changes nothing; rotating the solution alone does."""
    task, rule, _, start = setting(name, seed)
    turn = np.linalg.qr(np.random.default_rng(seed + 1).standard_normal((INPUTS, INPUTS)))[0]
    turned = linear.Problem(turn @ task.covariance @ turn.T, turn @ task.solution)
    moved = linear.State(turn @ start.features @ turn.T, start.readout, turn @ start.overlap)

    def run(problem, state):
        return linear.trajectory(
            problem, rule, width=12, lr=0.05, steps=5, state=state, spectra_at=[5], tolerance=1e-10
        )

    plain, same = run(task, start), run(turned, moved)
    for quantity in ("loss", "sharpness", "gauss_newton", "residual", "trace"):
        assert np.allclose(plain[quantity][0, 5], same[quantity][0, 5], rtol=1e-8)
    wrong = run(linear.Problem(task.covariance, turn @ task.solution), start)
    assert not np.allclose(plain.loss[0, 5], wrong.loss[0, 5], rtol=1e-8)


@settings(max_examples=25, deadline=None)
@given(NAMES, SEEDS)
def test_property_hessian_lies_between_its_parts(name, seed):
    """Weyl, with G >= 0 and the spectrum of R symmetric: max(R, G - R) <= S <= G + R for the top eigenvalues.

    Half of G in place of G breaks the upper bound (control), wherever R is small enough to tell.
    """
    task, rule, _, start = setting(name, seed)
    path = linear.trajectory(
        task, rule, width=12, lr=0.05, steps=0, state=start, spectra_at=[0], tolerance=1e-10
    )
    top = {name: float(path[name][0, 0]) for name in ("sharpness", "gauss_newton", "residual")}
    slack = 1e-9 * top["sharpness"]
    assert max(top["residual"], top["gauss_newton"] - top["residual"]) <= top["sharpness"] + slack
    assert top["sharpness"] <= top["gauss_newton"] + top["residual"] + slack
    assert top["gauss_newton"] >= 0
    if top["residual"] < 0.2 * top["gauss_newton"]:
        assert top["sharpness"] > top["gauss_newton"] / 2 + top["residual"]
