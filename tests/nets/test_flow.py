"""The gradient flow: closed form and scipy as oracles, the tolerance, the budget, and gradient descent."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from scalewright import nets
from scalewright.nets import flow
from scalewright.nets.feeds import Whole
from scalewright.nets.flow import Flow, Solver
from scalewright.nets.objective import Objective

TIMES = (0.0, 0.5, 3.0)


@pytest.fixture
def linear():
    """Return a function that gives two linear regressions w x with their own Lambda, at their own start."""

    def make():
        networks = nets.Ensemble.single(torch.nn.Linear(3, 2, bias=False).double()).select([0, 0])
        start = torch.tensor(np.random.default_rng(1).standard_normal((2, 2, 3)))
        networks.parameters["weight"].copy_(start)
        networks.rates["weight"].copy_(torch.tensor([1.0, 2.0]))
        return networks

    return make


def end(networks, data, tolerance, times=TIMES, **solver):
    """Follow the flow and return losses (M, T) and the flow."""
    flow = Flow(networks, Whole(data), times=times, solver=Solver(tolerance, **solver))
    return flow.run().values["loss"], flow


def test_oracle_linear_regression_in_closed_form(linear, data):
    """Oracle: W(t) - W* = (W(0) - W*) exp(-rate X^T X t / P), by eigenvalues; 1e-9 at tolerance 1e-12."""
    networks = linear()
    start = networks.weights()
    losses, _ = end(networks, data, 1e-12)
    inputs, targets = (values.numpy() for values in data)
    best = np.linalg.lstsq(inputs, targets, rcond=None)[0].T
    values, vectors = np.linalg.eigh(inputs.T @ inputs / 6)
    for member, rate in enumerate((1.0, 2.0)):
        for point, time in enumerate(TIMES):
            decay = vectors @ np.diag(np.exp(-rate * values * time)) @ vectors.T
            weights = best + (start[member]["weight"] - best) @ decay
            expected = ((inputs @ weights.T - targets) ** 2).sum() / 12
            np.testing.assert_allclose(losses[member, point], expected, rtol=1e-9)
        np.testing.assert_allclose(networks.weights()[member]["weight"], weights, rtol=1e-9, atol=1e-11)
    assert networks.diverged_at.tolist() == [-1, -1]


def scipys(networks, data, tolerance=1e-12):
    """Return the losses (M, T) and the end of each member alone by scipy's DOP853."""
    losses, ends = [], []
    for member in range(networks.members):
        one = networks.select([member])
        shapes = {name: weight.shape for name, weight in one.parameters.items()}

        def unpack(vector, shapes=shapes):
            parts = np.split(vector, np.cumsum([shape.numel() for shape in shapes.values()])[:-1])
            return {
                name: torch.from_numpy(part.copy()).reshape(shape)
                for (name, shape), part in zip(shapes.items(), parts, strict=True)
            }

        def slope(_, vector, one=one, unpack=unpack):
            for name, weight in unpack(vector).items():
                one.parameters[name].copy_(weight)
            _, gradients = Objective.of(one, "mse", data).gradient()
            return np.concatenate([-(one.rates[n] * g.ravel()).numpy() for n, g in gradients.items()])

        start = np.concatenate([weight.numpy().ravel() for weight in one.parameters.values()])
        found = solve_ivp(
            slope, (0, TIMES[-1]), start, "DOP853", t_eval=TIMES, rtol=tolerance, atol=tolerance
        )
        objective = Objective.of(one, "mse", data)
        losses.append([objective.losses(unpack(column)).item() for column in found.y.T])
        ends.append(unpack(found.y[:, -1]))
    return np.array(losses), ends


def test_oracle_scipy_follows_a_tanh_network(ensemble, data):
    """Oracle: scipy's solver of order 8, each member alone with its gamma; 1e-7 at tolerance 1e-10."""
    networks = ensemble(seeds=(0,), gamma=(0.5, 2.0))
    expected, weights = scipys(networks, data)
    losses, flow = end(networks, data, 1e-10)
    np.testing.assert_allclose(losses, expected, rtol=1e-7)
    assert (losses[:, -1] < 0.5 * losses[:, 0]).all()
    for name, weight in networks.parameters.items():
        for member in range(2):
            torch.testing.assert_close(weight[member], weights[member][name][0], rtol=1e-6, atol=1e-7)
    assert flow.products > 12


def test_property_error_falls_with_the_tolerance(ensemble, data):
    """Property: a hundredth of the tolerance is at most a tenth of the error, and costs more products."""
    exact, _ = end(ensemble(), data, 1e-12)
    errors, products = [], []
    for tolerance in (1e-3, 1e-5, 1e-7):
        losses, flow = end(ensemble(), data, tolerance)
        errors.append(np.abs(losses - exact).max())
        products.append(flow.products)
    assert errors[1] < errors[0] / 10
    assert errors[2] < errors[1] / 10
    assert products == sorted(set(products))


def test_identity_gradient_descent_converges_to_the_flow_at_first_order(ensemble, data):
    """Identity: the difference at time 1 is lr times a constant, so half of lr is half of it to order lr."""
    exact, _ = end(ensemble(), data, 1e-12, times=(0.0, 1.0))
    errors = []
    for lr in (0.02, 0.01):
        path = nets.train(ensemble(lrs=(lr,)), data, steps=round(1 / lr))
        errors.append(path.loss.values[:, 0, -1] - exact[:, -1])
    np.testing.assert_allclose(errors[0] / errors[1], 2, rtol=0.05)


def test_identity_recorded_times_do_not_change_the_flow(ensemble, data):
    """Identity within the tolerance: more times on the way, the same end."""
    few, _ = end(ensemble(), data, 1e-10, times=(0.0, 3.0))
    many, _ = end(ensemble(), data, 1e-10, times=np.linspace(0, 3, 13))
    np.testing.assert_allclose(many[:, -1], few[:, -1], rtol=1e-8)
    assert (np.diff(many) < 0).all()


def test_control_a_budget_that_is_too_small_freezes_and_marks(ensemble, data):
    """Control: the index of the time that is not reached; the loss there is nan, before it is what it was."""
    exact, _ = end(ensemble(), data, 1e-8)
    networks = ensemble()
    losses, _ = end(networks, data, 1e-8, budget=1)
    assert networks.diverged_at.tolist() == [1, 1]
    assert np.isnan(losses[:, 1:]).all()
    np.testing.assert_allclose(losses[:, 0], exact[:, 0], rtol=1e-14)


def test_identity_a_member_that_cant_be_followed_leaves_the_others(ensemble, data):
    """Identity, to the byte: a member of nan is frozen with its bytes, the other is as beside a sound one."""
    networks, calm = ensemble(), ensemble()
    networks.parameters["input.weight"][1, 0, 0] = float("nan")
    before = networks.weights()[1]
    losses, _ = end(networks, data, 1e-6)
    expected, _ = end(calm, data, 1e-6)
    assert networks.diverged_at.tolist() == [-1, 1]
    assert losses[0].tobytes() == expected[0].tobytes()
    for name, weight in networks.weights()[1].items():
        assert weight.tobytes() == before[name].tobytes()
        assert networks.weights()[0][name].tobytes() == calm.weights()[0][name].tobytes()


def test_identity_weights_that_are_0_are_followed_too(data):
    """Identity: a regression that starts at 0 is that of the closed form at large times, least squares."""
    networks = nets.Ensemble.single(torch.nn.Linear(3, 2, bias=False).double())
    networks.parameters["weight"].zero_()
    end(networks, data, 1e-8, times=(0.0, 400.0))
    best = np.linalg.lstsq(data[0].numpy(), data[1].numpy(), rcond=None)[0].T
    assert networks.diverged_at.tolist() == [-1]
    np.testing.assert_allclose(networks.weights()[0]["weight"], best, rtol=1e-5)
    idle, _ = end(networks, (data[0], data[0] @ networks.parameters["weight"][0].T), 1e-8)
    np.testing.assert_allclose(idle, 0, atol=1e-20)  # nothing to do: the slope is 0


def test_identity_observables_are_those_at_the_recorded_times(ensemble, data):
    """Identity: what is measured at the end is what is measured of the weights there; times are counted."""
    networks, seen = ensemble(), []
    flow = Flow(networks, Whole(data), times=TIMES, quantities=("logits", "feature_change"))
    record = flow.run(lambda done, total: seen.append((done, total)))
    outputs = networks.forward(networks.parameters, data[0])
    np.testing.assert_allclose(
        record.values["logits"][:, -1], outputs.square().mean((1, 2)).sqrt(), rtol=1e-12
    )
    assert record.values["feature_change"][:, 0].max() == 0
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_identity_the_pair_of_dormand_and_prince():
    """Identity: order conditions of the quadrature, exact; control: one entry changed breaks them."""
    from fractions import Fraction

    matrix = [[Fraction(entry).limit_denominator(10**6) for entry in row] for row in flow._MATRIX]
    nodes = [Fraction(0), *(Fraction(n) for n in ("1/5", "3/10", "4/5", "8/9", "1")), Fraction(1)]
    assert [sum(row) for row in matrix] == nodes[1:]
    weights = [*matrix[-1], Fraction(0)]
    error = [Fraction(entry).limit_denominator(10**6) for entry in flow._ERROR]
    fourth = [one - two for one, two in zip(weights, error, strict=True)]

    def moments(given, order):
        return [sum(b * c**k for b, c in zip(given, nodes, strict=True)) for k in range(order)]

    assert moments(weights, 5) == [Fraction(1, k + 1) for k in range(5)]
    assert moments(fourth, 4) == [Fraction(1, k + 1) for k in range(4)]
    assert moments(fourth, 5)[4] != Fraction(1, 5)
    weights[2] += Fraction(1, 1000)
    assert moments(weights, 1) != [1]
