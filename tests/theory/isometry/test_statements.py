"""The theorems: never violated, sharper ones sharper, wrong constants caught."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalewright.theory import isometry
from scalewright.theory.isometry.statements import PLOTTED_CONSTANT

SPECTRA = st.lists(st.floats(1e-8, 1.0), min_size=2, max_size=12)


def orthogonal(d, rng):
    q, r = np.linalg.qr(rng.normal(size=(d, d)))
    return q * np.sign(np.diag(r))


@settings(max_examples=60, deadline=None)
@given(SPECTRA)
def test_property_exact_below_sharper_below_corollary_4(spectrum):
    """Property: exact <= second-order bound <= corollary 4, and theorem 3, for any spectrum."""
    assert all(bound.holds for bound in isometry.check_corollary_4(spectrum))
    assert isometry.theorem_3(spectrum).holds


@settings(max_examples=60, deadline=None)
@given(SPECTRA)
def test_property_the_proof_of_the_proved_rate(spectrum):
    """Property: each inequality of the proof: S_2 >= d phi/(3/5 + d phi), and E[phi'] <= (1 - 1/k) phi."""
    lam = np.array(spectrum) * len(spectrum) / sum(spectrum)
    d, phi = len(lam), max(0.0, -np.log(lam).mean())
    assert isometry.deviation(lam) >= d * phi / (0.6 + d * phi) - 1e-12
    change = isometry.expected_change(lam)
    assert change.value <= -phi / isometry.proved_layers(d, phi) + change.error


@pytest.mark.parametrize("d", [4, 8, 32])
def test_identity_corollary_4_loses_2d_near_isometry(d):
    e = 1e-3 * np.random.default_rng(d).normal(size=d)
    lam = 1 + e - e.mean()
    ratio = isometry.expected_change(lam).value / isometry.corollary_4(lam)
    assert abs(ratio / (2 * d) - 1) < 0.02
    sharper = isometry.expected_change(lam).value / isometry.second_order_bound(lam)
    assert 1 <= sharper < 1.02


def test_control_a_bound_twice_as_strong_is_violated():
    """Control: near isometry the exact expectation breaks twice the second-order bound."""
    lam = 1 + 0.05 * np.array([1.0, -1.0, 1.0, -1.0])
    assert isometry.expected_change(lam).value > 2 * isometry.second_order_bound(lam)


def mean_gaps(x, layers, draws, rng):
    """Return the mean of phi over draws, with its standard error, for every layer."""
    d, found = len(x), np.empty((draws, layers + 1))
    for draw in range(draws):
        state = x
        found[draw, 0] = isometry.gap(state)
        for layer in range(layers):
            state = isometry.normalize(orthogonal(d, rng) @ state)
            found[draw, layer + 1] = isometry.gap(state)
    return found.mean(axis=0), found.std(axis=0) / np.sqrt(draws)


@pytest.mark.parametrize("kind", ["gaussian", "near isometry", "near-duplicate", "nearly rank one"])
def test_theorem_1_on_measured_chains(kind):
    """The proved and the conjectured k hold on chains of d = 8; near isometry C = 0.015 must fail."""
    d, rng = 8, np.random.default_rng(0)
    x = rng.normal(size=(d, d))
    if kind == "near isometry":
        x = np.eye(d) + 0.005 * rng.random((d, 1)) * rng.random((1, d))
    if kind == "near-duplicate":
        x[:, 0] = x[:, 1] + 1e-3 * rng.normal(size=d)
    if kind == "nearly rank one":
        x = rng.normal(size=(d, 1)) + 1e-2 * x
    gaps, errors = mean_gaps(x, 60, 20, rng)
    phi = gaps[0]
    for k in (isometry.proved_layers(d, phi), isometry.conjectured_layers(d, phi)):
        assert all(bound.holds for bound in isometry.theorem_1(gaps, k, error=4 * errors.max()))
    if kind == "near isometry":
        plotted = isometry.theorem_1(gaps, isometry.theorem_1_layers(d, phi, PLOTTED_CONSTANT))
        assert not any(bound.holds for bound in plotted[1:])


def test_the_plotted_constant_is_possible_from_35_on():
    assert [isometry.plotted_rate_is_possible(d) for d in (8, 16, 32, 34, 35, 50, 100)] == [False] * 4 + [
        True
    ] * 3
    assert isometry.plotted_rate_is_possible(8, 1.0)


def test_identity_deterministic_bound_on_the_jacobian():
    """Identity: for any orthogonal weights, fixed ones included, log of the largest stretch stays below."""
    d, rng = 6, np.random.default_rng(1)
    for phi_scale in (1.0, 1e-2, 1e-4):
        x = rng.normal(size=(d, d)) @ np.diag([*np.ones(d - 1), phi_scale])
        start, x, fixed = isometry.gap(x), isometry.normalize(x), orthogonal(d, rng)
        first = isometry.gap(x)
        assert start >= 0
        jacobian, layers = np.eye(d * d), 40
        for layer in range(layers):
            weight = fixed if layer % 2 else orthogonal(d, rng)
            z = weight @ x
            lengths = np.linalg.norm(z, axis=1)
            x = z / lengths[:, None]
            step = np.zeros((d * d, d * d))
            for j in range(d):
                project = (np.eye(d) - np.outer(x[j], x[j])) / lengths[j]
                step[j * d : (j + 1) * d] = np.kron(weight[j], project)
            jacobian = step @ jacobian
            bound = isometry.jacobian_bound(d, first - isometry.gap(x), layer + 1)
            measured = np.log(np.linalg.norm(jacobian, 2))
            assert measured <= bound + 1e-12
            assert measured <= isometry.theorem_5(d, first, 1.0)
        assert measured > -0.5


def test_bounds_on_the_jacobian_do_not_grow_with_depth():
    assert isometry.expected_jacobian_bound(16, 0.0) == 0
    assert isometry.jacobian_bound(16, 0.5, 400) < 2.1 * isometry.jacobian_bound(16, 0.5, 100)
    assert isometry.expected_jacobian_bound(64, 1.0) < 1e-5 * isometry.theorem_5(64, 1.0, 1.0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: isometry.proved_layers(0, 1.0), "proved_layers: d must be an integer of at least 1; given "
         "0"),
        (lambda: isometry.theorem_5(4, np.inf, 1.0), "theorem_5: the isometry gap must be finite and not "
         "negative; given inf; the statement is empty for rank-deficient inputs"),
        (lambda: isometry.jacobian_bound(4, 1.0, -1), "jacobian_bound: layers must be an integer of at least "
         "0; given -1"),
        (lambda: isometry.theorem_1([1.0], 0.0), "theorem_1: layers, the k of exp(-l/k), must be positive; "
         "given 0.0"),
        (lambda: isometry.theorem_1_layers(4, 1.0, 0.0), "theorem_1_layers: constant must be positive and "
         "finite; given 0.0"),
        (lambda: isometry.theorem_1([], 3.0), "theorem_1: expected_gaps must be at least one number, none "
         "negative"),
    ],
)  # fmt: skip
def test_bad_input(call, sentence):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == sentence
