"""The closed map against explicit networks, to rounding; and the published form of it."""

import numpy as np
import pytest

from scalewright.sim import uv
from scalewright.sim.uv import model
from scalewright.theory import mlp, named

LOSSES = {"squared": uv.Squared(0.8), "cross-entropy": uv.CrossEntropy(0.7)}
#: Rates next to the edge, in units of 1 / x^2; of SP under the squared loss times n.
LRS = {"sp": 3.0, "ntp": 1.5, "mup": 0.4}


def pull_of(loss, output):
    """The derivative of the loss, by its textbook formula."""
    if isinstance(loss, uv.Squared):
        return output - loss.target
    return 1 / (1 + np.exp(-output)) - loss.share


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("width", [64, 1000])
@pytest.mark.parametrize("name", LRS)
def test_oracle_explicit_networks(rules, explicit, name, width, loss):
    """Independent: the network is written out in u and v. Twelve steps amplify rounding by less than 1e4."""
    rule, chosen, point = rules[name], LOSSES[loss], 1.3
    lr = LRS[name] / (width if name == "sp" and loss == "squared" else 1) / point**2
    decay = 0.02 / (width if name == "mup" else 1)  # whose rates are n, so that this decays as the others
    for seed in range(3):
        network = explicit(rule, width, lr, point=point, seed=seed)
        by = model.factors(rule, [width])
        state = model.from_weights(network.u[None, None], network.v[None, None])
        for done in range(12):
            share = min(1.0, (done + 1) / 3)
            network.step(pull_of(chosen, network.output()), decay, share)
            state = model.step(state, by, chosen, np.array([[lr * share]]), point=point, decay=decay)
            found = model.outputs(state, by, point)[0, 0]
            assert found == pytest.approx(network.output(), rel=1e-9, abs=1e-9), (seed, done)
            assert state.a[0, 0] == pytest.approx(network.u @ network.u, rel=1e-10)
            assert state.b[0, 0] == pytest.approx(network.v @ network.v, rel=1e-9)


def test_oracle_the_tangent_kernel_is_the_derivative(rules):
    """Independent: f after one step of a tiny rate, by the map itself; its slope is -kernel x pull."""
    loss = uv.Squared(1.0)
    for rule in rules.values():
        by = model.factors(rule, [100])
        state = model.initial(by, [100], [0])
        output, tiny = model.outputs(state, by, 1.0), 1e-7
        moved = model.outputs(model.step(state, by, loss, np.array([[tiny]]), point=1.0), by, 1.0)
        slope = (moved - output) / tiny
        assert slope == pytest.approx(-model.kernel(state, by, 1.0) * loss.pull(output), rel=1e-4)


def test_literature_two_variables(rules):
    """Haas et al. 2025, appendix on the UV model: f' = f (1 + e^2) - eta n chi L, L' = L (1 + e^2) -
    4 eta chi x^2 f / n with e = eta chi x and L = x^2 (|u|^2 + |v|^2) / n, at the rate eta n^-c itself."""
    width, point, rate, loss = 256, 0.9, 0.011, uv.Squared(1.0)
    by = model.factors(rules["sp"], [width])
    state = model.initial(by, [width], range(4))
    f, kernel = model.outputs(state, by, point), model.kernel(state, by, point) / width
    for _ in range(10):
        chi = loss.pull(f)
        state = model.step(state, by, loss, np.array(rate), point=point)
        grown = 1 + (rate * chi * point) ** 2
        f, kernel = (
            f * grown - rate * width * chi * kernel,
            kernel * grown - 4 * rate * chi * point**2 * f / width,
        )
        assert model.outputs(state, by, point) == pytest.approx(f, rel=1e-9)
        assert model.kernel(state, by, point) / width == pytest.approx(kernel, rel=1e-9)


def test_control_the_kernel_update_without_its_rate_is_another_map(rules):
    """The kernel's update without the rate n^-c inside is the same only at c = 0: at c = 1 it is caught."""
    width, rate, loss = 256, 1.0 / 256, uv.Squared(1.0)
    by = model.factors(rules["sp"], [width])
    state = model.initial(by, [width], range(4))
    f, kernel = model.outputs(state, by, 1.0), model.kernel(state, by, 1.0) / width
    after = model.kernel(model.step(state, by, loss, np.array(rate), point=1.0), by, 1.0) / width
    wrong = kernel * (1 + (rate * loss.pull(f)) ** 2) - 4 * loss.pull(f) * f / width
    assert (np.abs(wrong / after - 1) > 1e-3).all()


def test_identity_initial_draws_have_the_law_of_gaussian_weights():
    """Means and variances of A, B, C against n draws: |u|^2 has mean n and variance 2 n, u . v mean 0 and
    variance n; 5 standard errors."""
    rule = named(mlp(2, "linear"), "ntp", "sgd")
    width, draws = 50, 4000
    by = model.factors(rule, [width])
    state = model.initial(by, [width], range(draws))
    for part, mean, variance in (
        (state.a, width, 2 * width),
        (state.b, width, 2 * width),
        (state.c, 0, width),
    ):
        assert abs(part.mean() - mean) < 5 * np.sqrt(variance / draws)
        # The variance of a variance: its relative error is sqrt(kurtosis / draws), kurtosis below 4 here.
        assert abs(part.var() / variance - 1) < 5 * np.sqrt(4 / draws)
    assert (state.a * state.b >= state.c**2).all()
    assert np.array_equal(state.a, model.initial(by, [width], range(draws)).a)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: model.factors(named(mlp(3, "linear"), "sp", "sgd"), [4]),
         "uv: parametrization must be that of two linear layers without biases, mlp(layers=2, "
         "activation='linear'); given input.weight, hidden.0.weight, readout.weight"),
        (lambda: model.factors(named(mlp(2), "sp", "sgd"), [4]),
         "uv: parametrization must be that of two linear layers without biases, mlp(layers=2, "
         "activation='linear'); given input.weight, readout.weight with relu"),
        (lambda: model.factors(named(mlp(2, "linear"), "sp", "adam"), [4]),
         "uv: the closed map is that of gradient descent, optimizer 'sgd'; given 'adam'"),
        (lambda: model.factors(named(mlp(2, "linear"), "sp", "sgd"), [4, 0]),
         "uv: widths must be integers of at least 1; given 0"),
        (lambda: model.factors(named(mlp(2, "linear"), "sp", "sgd"), []),
         "uv: widths must be integers of at least 1; given []"),
        (lambda: uv.CrossEntropy(1.5), "uv.CrossEntropy: share must be between 0 and 1; given 1.5"),
        (lambda: uv.Squared(np.inf), "uv.Squared: target must be a finite number; given inf"),
    ],
)  # fmt: skip
def test_bad_input(change, message):
    with pytest.raises(ValueError) as caught:
        change()
    assert str(caught.value) == message


def test_negative_seeds_are_refused(rules):
    by = model.factors(rules["sp"], [4])
    with pytest.raises(ValueError, match=r"uv: seeds must be non-negative integers; given \[-1\]"):
        model.initial(by, [4], [-1])
