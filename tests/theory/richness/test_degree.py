"""Degrees in place of depth: sympy's own gradients, the flow integrated by numpy, bad input."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from sympy import Rational, diff, limit, oo, prod, simplify, sqrt, symbols

from scalewright.theory import richness
from scalewright.theory.richness.degree import (
    PREACTIVATION,
    elasticity,
    least_time,
    power_of,
    rich_sharpness,
    total_degree,
)
from scalewright.theory.richness.symbols import GAMMA


@pytest.mark.parametrize(("activation", "power"), [("linear", 1), ("relu", 1), ("gelu", 1), ("tanh", 0)])
def test_identity_an_activation_grows_with_the_limit_of_its_elasticity(activation, power):
    assert power_of(activation) == power
    assert limit(elasticity(activation), PREACTIVATION, 0, "+") == 1  # all of them start linear


@pytest.mark.parametrize("layers", [2, 3, 4])
@pytest.mark.parametrize("power", [1, 2, 3])
def test_identity_weights_grow_together_and_give_the_curvature(layers, power):
    """Independent: gradients of the explicit product, without the balanced path."""
    weights = symbols(f"w1:{layers + 1}", positive=True)
    output = prod([w ** (power ** (layers - k)) for k, w in enumerate(weights, start=1)])
    grown = [w * diff(output, w) / power ** (layers - k) for k, w in enumerate(weights, start=1)]
    assert all(simplify(other - grown[0]) == 0 for other in grown)  # d(w^2) / p^(L-l) is one number
    degree = total_degree(layers, power)
    assert simplify(sum(w * diff(output, w) for w in weights) / output) == degree  # Euler
    a = symbols("a", positive=True)
    path = {w: sqrt(power) ** (layers - k) * a for k, w in enumerate(weights, start=1)}
    curvature = sum(diff(output, w) ** 2 for w in weights).subs(path) / output.subs(path) ** 2
    assert simplify(curvature * a**2 - degree) == 0
    scale = simplify(output.subs(path) / a**degree)
    assert (
        abs(
            float((rich_sharpness(layers, power) / (degree * (scale / GAMMA) ** (2 / degree))).subs(GAMMA, 7))
            - 1
        )
        < 1e-12
    )


@pytest.mark.parametrize("layers", [2, 3, 4, 5])
def test_identity_with_degree_one_it_is_the_toy_of_l_layers(layers):
    ratio = rich_sharpness(layers, 1) / richness.sharpness(layers)
    assert limit(ratio.subs(GAMMA, 1 / PREACTIVATION), PREACTIVATION, 0, "+") == 1
    assert richness.rate_power(total_degree(layers, 1), regime="large") == 2 / total_degree(layers, 1)


@pytest.mark.parametrize(("layers", "power"), [(2, 2), (3, 2), (2, 3)])
def test_oracle_the_flow_from_ones_ends_at_the_derived_curvature(layers, power):
    """Independent: the weights themselves in rescaled time by scipy's LSODA, gamma = 1e12."""
    gamma, powers = 1e12, np.array([power ** (layers - k) for k in range(1, layers + 1)])

    def flow(_, weights):
        output = np.prod(weights**powers)
        return (1 - (output - 1) / gamma) * powers * output / weights

    found = solve_ivp(flow, (0, 2.0), np.ones(layers), method="LSODA", rtol=1e-9, atol=1e-9).y[:, -1]
    output = np.prod(found**powers)
    assert output == pytest.approx(gamma, rel=1e-6)
    curvature = ((powers * output / found / gamma) ** 2).sum()
    predicted = float(rich_sharpness(layers, power).subs(GAMMA, gamma))
    # The start is left as the share of a^2 = gamma^(2/S) that 1 is.
    assert curvature == pytest.approx(predicted, rel=3 * gamma ** (-2 / int(total_degree(layers, power))))


@pytest.mark.parametrize("layers", [2, 3])
def test_oracle_bounded_networks_take_longer_than_the_bound_and_relu_networks_do_not(layers):
    """Independent: gradient descent written out in numpy, width 32, gamma = 60."""
    gamma, share, width, rate = 60.0, 0.5, 32, 0.3
    for activation, bounded in (("tanh", True), ("relu", False)):
        generator = np.random.default_rng(layers)
        inputs = generator.standard_normal((8, 4))
        targets = inputs @ generator.standard_normal(4)
        targets /= np.sqrt((targets**2).mean())
        hidden = [generator.standard_normal((width, 4 if k == 0 else width)) for k in range(layers - 1)]
        readout = generator.standard_normal(width)
        start, steps = np.abs(readout).mean(), 0
        phi, slope = (
            (np.tanh, lambda a: 1 - a**2)
            if bounded
            else (lambda z: np.maximum(z, 0), lambda a: (a > 0).astype(float))
        )
        first = None
        while steps < 40_000:
            features = [inputs.T]
            for weight in hidden:
                features.append(phi(weight @ features[-1] / np.sqrt(weight.shape[1])))
            output = readout @ features[-1] / width
            first = output if first is None else first
            pull = targets - (output - first) / gamma
            if (pull**2).mean() < share:
                break
            back = np.outer(readout, pull)
            readout = readout + rate / gamma * (features[-1] @ pull) / len(pull)
            for k in reversed(range(layers - 1)):
                back = back * slope(features[k + 1])
                moved = rate / gamma * back @ features[k].T / len(pull) / np.sqrt(hidden[k].shape[1])
                back = hidden[k].T @ back / np.sqrt(hidden[k].shape[1])
                hidden[k] = hidden[k] + moved
            steps += 1
        least = float(least_time(Rational(1, 2), Rational(str(start))).subs(GAMMA, gamma))
        assert (rate * steps > least) == bounded, (activation, rate * steps, least)


def test_a_bounded_activation_leaves_growth_to_the_readout():
    assert total_degree(5, 0) == 1
    assert rich_sharpness(3, 0) == GAMMA**-2
    assert limit(elasticity("tanh"), PREACTIVATION, oo) == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: elasticity("sine"),
            ValueError,
            "activation must be one of 'linear', 'relu', 'gelu', 'tanh'",
        ),
        (lambda: total_degree(1, 1), ValueError, "layers must be an integer of at least 2"),
        (lambda: total_degree(symbols("L"), 1), ValueError, "layers must be a number"),
        (lambda: total_degree(2, -1), ValueError, "power must be an integer of at least 0; given -1"),
        (lambda: total_degree(2, 0.5), TypeError, "power"),
        (lambda: least_time(1, 1), ValueError, r"share must lie in \(0, 1\); given 1"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
