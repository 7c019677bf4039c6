"""Two-layer linear networks: the closed dynamics against dense networks, and its limits."""

import math

import numpy as np
import pytest
import torch

from scalewright.sim import data, linear
from scalewright.theory import mlp, named
from scalewright.theory.power import Power

D, K, P = 4, 2, 9
NAMES = ("mup", "ntp", "sp")


def network(name):
    return named(mlp(layers=2, activation="linear"), name, "sgd")


def problem(seed=0):
    rng = np.random.default_rng(seed)
    inputs, targets = rng.standard_normal((P, D)), rng.standard_normal((P, K))
    return linear.Problem.of(inputs, targets), inputs, targets


class Dense:
    """Gradient descent on the weights themselves, with a dense Hessian: knows nothing of the Gram matrix."""

    def __init__(self, name, width, inputs, targets, lr, gamma=1.0, seed=0):
        self.inputs, self.targets = torch.tensor(inputs), torch.tensor(targets)
        numbers = network(name).at(width=width, inputs=D, outputs=K, gamma=gamma)
        self.first, self.second = numbers["input.weight"], numbers["readout.weight"]
        rng = np.random.default_rng(seed)
        draws = rng.standard_normal((width, D)), rng.standard_normal((K, width))
        self.unit = draws
        self.weights = [
            torch.tensor(u * n.init_std) for u, n in zip(draws, (self.first, self.second), strict=True)
        ]
        self.base, self.rates = lr, (lr * self.first.lr, lr * self.second.lr)

    def loss(self, w1, w2):
        out = self.inputs @ (self.first.multiplier * w1).T @ (self.second.multiplier * w2).T
        return ((out - self.targets) ** 2).sum() / (2 * P)

    def step(self):
        grads = torch.func.grad(self.loss, argnums=(0, 1))(*self.weights)
        self.weights = [w - r * g for w, r, g in zip(self.weights, self.rates, grads, strict=True)]

    def spectrum(self):
        """Eigenvalues of the rescaled Hessian, of G, and the top of R, from dense matrices."""
        sizes = [w.numel() for w in self.weights]
        shapes = [w.shape for w in self.weights]

        def split(flat):
            return [part.reshape(shape) for part, shape in zip(flat.split(sizes), shapes, strict=True)]

        flat = torch.cat([w.ravel() for w in self.weights])
        scale = torch.cat(
            [
                torch.full((n,), math.sqrt(r / self.base), dtype=torch.float64)
                for n, r in zip(sizes, self.rates, strict=True)
            ]
        )
        hessian = (
            torch.func.jacrev(torch.func.grad(lambda x: self.loss(*split(x))))(flat) * scale[:, None] * scale
        )
        jacobian = torch.func.jacrev(lambda x: self.outputs(*split(x)).ravel())(flat) * scale
        gauss = jacobian.T @ jacobian / P
        return [np.linalg.eigvalsh(m.numpy()) for m in (hessian, gauss, hessian - gauss)]

    def outputs(self, w1, w2):
        return self.inputs @ (self.first.multiplier * w1).T @ (self.second.multiplier * w2).T

    def state(self, kappa):
        return linear.from_weights(self.unit[0].T[None], self.unit[1][None], kappa=kappa)


def kappa_of(name, width):
    return linear.coefficients(network(name), width=width, inputs=D, outputs=K, gamma=1.0, lr=1.0).kappa


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [3, 16, 40])
def test_oracle_dense_network(name, width):
    """Loss and spectra agree with the dense network to rounding, above and below N = D + K."""
    task, inputs, targets = problem()
    dense = Dense(name, width, inputs, targets, lr=0.05)
    at = [0, 7, 20]
    path = linear.trajectory(
        task, network(name), width=width, lr=0.05, steps=20, state=dense.state(kappa_of(name, width)),
        spectra_at=at,         tolerance=1e-10,
    )  # fmt: skip
    for t in range(21):
        assert path.loss.values[0, t] == pytest.approx(float(dense.loss(*dense.weights)), rel=1e-10)
        if t in at:
            hessian, gauss, residual = dense.spectrum()
            assert path.sharpness.values[0, t] == pytest.approx(hessian[-1], rel=1e-9)
            assert path.gauss_newton.values[0, t] == pytest.approx(gauss[-1], rel=1e-9)
            assert path.trace.values[0, t] == pytest.approx(gauss.sum(), rel=1e-9)
            assert path.residual.values[0, t] == pytest.approx(residual[-1], rel=1e-9)
            assert path.ntk.values[0, t] == pytest.approx(P * gauss[-1], rel=1e-9)
        dense.step()


def test_control_a_wrong_parametrization_misses_the_dense_network():
    task, inputs, targets = problem()
    dense = Dense("mup", 40, inputs, targets, lr=0.05)
    path = linear.trajectory(
        task, network("ntp"), width=40, lr=0.05, steps=5, state=dense.state(kappa_of("ntp", 40))
    )
    for _ in range(5):
        dense.step()
    assert path.loss.values[0, 5] != pytest.approx(float(dense.loss(*dense.weights)), rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_identity_flow_is_the_limit_of_small_steps(name):
    """Descent at rates eta/m over m times the steps tends to the flow: the error halves with eta."""
    task, _, _ = problem()
    state = linear.initial(width=32, inputs=D, outputs=K, kappa=kappa_of(name, 32), seeds=[0])
    common = {"width": 32, "state": state}
    flow = linear.trajectory(task, network(name), lr=0.1, steps=10, dynamics="flow", **common).loss.values[
        0, -1
    ]
    errors = []
    for fine in (20, 40, 80):
        fall = linear.trajectory(task, network(name), lr=0.1 / fine, steps=10 * fine, **common)
        errors.append(abs(fall.loss.values[0, -1] - flow))
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("name", ["mup", "ntp"])
def test_property_finite_widths_approach_the_limit(name):
    """The mean kernel over draws tends to the infinite-width one as N grows."""
    task, _, _ = problem()
    far = linear.trajectory(
        task, network(name), width=math.inf, lr=0.05, steps=10, spectra_at=[10], seeds=range(1)
    )
    gaps = []
    for width in (2**6, 2**10, 2**40):
        near = linear.trajectory(
            task, network(name), width=width, lr=0.05, steps=10, spectra_at=[10], seeds=range(20)
        )
        gaps.append(abs(near.gauss_newton.values[:, 10].mean() / far.gauss_newton.values[0, 10] - 1))
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-5


def test_property_bartlett_has_the_law_of_the_product():
    """Means and variances of the Gram entries agree with Z Z^T / N within 4 standard errors (2000 draws)."""
    drawn = linear.initial(
        width=12, inputs=2, outputs=1, kappa=Power.one().exponent("width"), seeds=range(2000)
    )
    rng = np.random.default_rng(5)
    z = rng.standard_normal((2000, 3, 12))
    direct = z @ z.transpose(0, 2, 1) / 12
    grams = drawn.gram(12, Power.one().exponent("width"))
    for ours, theirs in ((grams, direct), (grams**2, direct**2)):
        error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / 2000)
        assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 4 * error).all()


def test_standard_parametrization_at_a_fixed_rate_has_no_limit():
    fixed = network("sp").with_lr(Power.one())
    with pytest.raises(linear.NoLimitError, match="no infinite-width limit"):
        linear.trajectory(problem()[0], fixed, width=math.inf, lr=0.1, steps=1)


def test_divergence_is_reported_with_its_step():
    path = linear.trajectory(problem()[0], network("mup"), width=64, lr=50.0, steps=60)
    step = int(path.diverged_at[0])
    assert 0 < step < 60
    assert np.isnan(path.loss.values[0, step + 1 :]).all()
    assert np.isfinite(path.loss.values[0, :step]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width must be an integer of at least 1 or math.inf; given 0"),
        ({"steps": -1}, "steps must be an integer of at least 0; given -1"),
        ({"quantities": ("sharpnes",)}, "given 'sharpnes'"),
        ({"dynamics": "leapfrog"}, "'descent' or 'flow'; given 'leapfrog'"),
        ({"spectra_at": [9]}, "integers between 0 and steps=3; given 9"),
    ],
)
def test_bad_input(change, message):
    arguments = {"width": 8, "lr": 0.1, "steps": 3} | change
    with pytest.raises(ValueError, match=message):
        linear.trajectory(problem()[0], network("mup"), **arguments)


def test_bad_architecture_and_optimizer():
    deep = named(mlp(layers=3, activation="linear"), "mup", "sgd")
    with pytest.raises(ValueError, match="two-layer network without biases"):
        linear.trajectory(problem()[0], deep, width=8, lr=0.1, steps=1)
    adam = named(mlp(layers=2, activation="linear"), "mup", "adam")
    with pytest.raises(ValueError, match="optimizer 'sgd'; given 'adam'"):
        linear.trajectory(problem()[0], adam, width=8, lr=0.1, steps=1)


def test_property_digits_sharpen_before_they_settle():
    """With gamma_0 = 1 and eta_0 = 0.8/S(0) on 256 digits, S(30) exceeds S(0) by more than 0.2 S(0)."""
    digits = data.load("digits", samples=256)
    task = linear.Problem.of(digits.inputs, digits.targets)
    start = linear.trajectory(task, network("mup"), width=math.inf, lr=1.0, steps=0, spectra_at=[0])
    lr = 0.8 / float(start.sharpness[0, 0])
    path = linear.trajectory(task, network("mup"), width=math.inf, lr=lr, steps=30, spectra_at=[0, 30])
    assert path.sharpness.values[0, 30] > 1.2 * path.sharpness.values[0, 0]


def test_oracle_closed_form_of_whitened_inputs():
    """Infinite width, muP, one output: S is theory's closed form in the strength of the learned direction."""
    from sympy import lambdify

    from scalewright.theory.landscape import symbols as named_symbols
    from scalewright.theory.landscape import whitened

    inputs, strength = 4, 1.5
    task = linear.Problem(np.eye(inputs), np.eye(inputs)[:, :1] * strength)
    path = linear.trajectory(
        task,
        network("mup"),
        width=math.inf,
        lr=0.1,
        steps=60,
        dynamics="flow",
        spectra_at=range(61),
        tolerance=1e-10,
    )
    learned = strength - np.sqrt(2 * path.loss.values[0])
    symbols_ = (named_symbols.INPUTS, named_symbols.GAMMA, named_symbols.TARGET, named_symbols.STRENGTH)
    closed = lambdify(symbols_, whitened.sharpness(), "numpy")
    assert path.sharpness.values[0] == pytest.approx(closed(inputs, 1.0, strength, learned), rel=1e-7)
    assert path.sharpness.values[0] != pytest.approx(closed(inputs, 1.1, strength, learned), rel=1e-2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 64.5}, "width must be an integer of at least 1 or math.inf; given 64.5"),
        ({"lr": float("nan")}, "lr must be positive and finite; given nan"),
        ({"lr": -1.0}, "lr must be positive and finite; given -1.0"),
        ({"seeds": []}, r"seeds must be non-negative integers; given \[\]"),
        ({"seeds": [-1]}, r"seeds must be non-negative integers; given \[-1\]"),
        ({"spectra_at": [2.5]}, "spectra_at must hold integers between 0 and steps=3; given 2.5"),
        ({"spectra_at": [-1, 3]}, "spectra_at must hold integers between 0 and steps=3; given -1"),
    ],
)
def test_numbers_that_are_none_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        linear.trajectory(problem()[0], network("mup"), **({"width": 8, "lr": 0.1, "steps": 3} | change))


def test_network_that_is_not_linear_is_refused():
    bent = named(mlp(layers=2, activation="relu"), "mup", "sgd")
    with pytest.raises(
        ValueError, match="the network must be linear, mlp\\(layers=2, activation='linear'\\); given 'relu'"
    ):
        linear.trajectory(problem()[0], bent, width=8, lr=0.1, steps=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: linear.Problem(-np.eye(2), np.ones((2, 1))), "positive semi-definite"),
        (lambda: linear.Problem(np.eye(2), np.full((2, 1), np.nan)), "must be finite"),
        (lambda: linear.Problem(np.eye(2), np.ones((2, 1)), samples=0), "samples at least 1"),
        (lambda: linear.Problem.of(np.ones((0, 2)), np.ones((0, 1))), "at least one sample"),
        (lambda: linear.Problem.of(np.full((3, 2), np.nan), np.ones((3, 1))), "all numbers finite"),
    ],
)
def test_problem_that_is_none_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_flow_of_no_time_is_the_start():
    path = linear.trajectory(
        problem()[0], network("mup"), width=8, lr=0.1, steps=0, dynamics="flow", spectra_at=[0]
    )
    still = linear.trajectory(problem()[0], network("mup"), width=8, lr=0.1, steps=0, spectra_at=[0])
    assert path.loss.values == pytest.approx(still.loss.values)
