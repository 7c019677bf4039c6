"""The conditional expectation: integral, Monte Carlo, closed forms, and the Weingarten series."""

import numpy as np
import pytest
from sympy import MatrixSymbol, Rational, Trace, cancel, sympify

from scalewright.theory import isometry
from scalewright.theory.haar import expectation
from scalewright.theory.isometry.expected import D, power_sum

SPECTRA = {
    "generic": lambda d, rng: rng.exponential(size=d),
    "one near-duplicate": lambda d, rng: np.r_[1e-6, np.ones(d - 1)],
    "nearly rank one": lambda d, rng: np.r_[1.0, np.full(d - 1, 1e-6)],
    "near isometry": lambda d, rng: 1 + 0.1 * rng.normal(size=d),
}


@pytest.mark.parametrize("d", [4, 8, 32])
@pytest.mark.parametrize("name", SPECTRA)
def test_oracle_monte_carlo(name, d):
    """Oracle: 200,000 uniform directions, within 4 standard errors."""
    rng = np.random.default_rng(d)
    lam = SPECTRA[name](d, rng)
    lam = lam * d / lam.sum()
    w = rng.normal(size=(200_000, d))
    logs = np.log((w**2) @ lam / (w**2).sum(axis=1))
    found = isometry.expected_change(lam)
    assert abs(found.value - logs.mean()) <= 4 * logs.std() / np.sqrt(len(logs)) + found.error


@pytest.mark.parametrize("d", [2, 3, 8, 64])
def test_identity_closed_forms(d):
    """Identity: the two extreme spectra have closed forms with digamma functions, met within the error."""
    one = isometry.expected_change(np.r_[1.0, np.full(d - 1, 1e-16)])
    assert abs(one.value - float(isometry.rank_one_change(d))) < one.error + 1e-6
    two = isometry.expected_change(np.r_[0.0, np.ones(d - 1)])
    assert abs(two.value - float(isometry.duplicate_change(d))) <= two.error


def test_identity_isometry_stays():
    found = isometry.expected_change(np.ones(20))
    assert abs(found.value) <= found.error < 1e-11
    assert isometry.expected_change([2.0]).value == 0


def test_identity_expected_gap_of_a_matrix():
    x = np.random.default_rng(0).normal(size=(5, 9))
    found, change = isometry.expected_gap(x), isometry.expected_change(isometry.spectrum(x))
    assert abs(found.value - isometry.gap(x) - change.value) < 1e-14


def test_literature_series():
    """The terms of order 2, 3, 4 derived by hand from moments of one row of W."""
    text = "-S2/(d*(d+2)) + 8*S3/(3*d*(d+2)*(d+4)) - (3*S2**2 + 12*S4)/(d*(d+2)*(d+4)*(d+6))"
    names = {"d": D} | {f"S{m}": power_sum(m) for m in (2, 3, 4)}
    assert cancel(isometry.series(4) - sympify(text, locals=names)) == 0


@pytest.mark.parametrize("m", [2, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_oracle_row_moments_by_traces(m):
    """Oracle: E tr(E W^T P W)^m by loop counting, with tr P^j = 1, tr E = 0."""
    e, p, w = (MatrixSymbol(name, D, D) for name in ("E", "P", "W"))
    found = expectation(Trace(e * w.T * p * w) ** m, w, symmetric=[e, p])
    values = {Trace(p): 1, Trace(e): 0} | {Trace(p**j): 1 for j in range(2, m + 1)}
    values |= {Trace(e**j): power_sum(j) for j in range(2, m + 1)}
    assert cancel(found.subs(values) - isometry.row_moment(m)) == 0


@pytest.mark.parametrize("order", [2, 3, 4, 5, 6])
def test_identity_series_meets_the_integral(order):
    """Identity: the error of the series falls as the next power of the deviation."""
    d, errors = 6, []
    shape = np.array([1.0, -0.2, -0.2, -0.2, -0.2, -0.2])
    for size in (0.05, 0.1):
        e = size * shape
        values = {power_sum(m): (e**m).sum() for m in range(2, 7)} | {D: d}
        errors.append(abs(isometry.expected_change(1 + e).value - float(isometry.series(order).subs(values))))
    power = np.log2(errors[1] / errors[0])
    assert abs(power - (order + 1)) < 0.35
    # Control: without its last term it is off by one power more.
    values = {power_sum(m): ((0.1 * shape) ** m).sum() for m in range(2, 7)} | {D: d}
    if order > 2:
        shorter = float(isometry.series(order - 1).subs(values))
        assert abs(isometry.expected_change(1 + 0.1 * shape).value - shorter) > 3 * errors[1]


def test_identity_gap_series():
    e = np.array([0.03, -0.01, 0.02, -0.04])
    values = {power_sum(m): (e**m).sum() for m in range(2, 7)} | {D: 4}
    exact = isometry.gap(np.diag(np.sqrt(1 + e)))
    assert abs(float(isometry.gap_series(6).subs(values)) - exact) < 1e-11


def test_rate():
    assert isometry.rate() == D / (D + 2)
    assert isometry.rate(16) == Rational(8, 9)


def test_identity_rate_is_the_limit_of_the_exact_expectation():
    e = 1e-3 * np.random.default_rng(1).normal(size=16)
    lam = 1 + e - e.mean()
    phi = -np.log(lam).mean()
    assert abs((phi + isometry.expected_change(lam).value) / phi - 8 / 9) < 1e-3


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: isometry.expected_change([]), "expected_change: spectrum must be a row of d >= 1 finite "
         "eigenvalues; given shape (0,)"),
        (lambda: isometry.expected_change([1.0, -1.0]), "expected_change: the eigenvalues of X X^T must not "
         "be negative, nor all zero; given -1 ... 1"),
        (lambda: isometry.expected_change([0.0, 0.0]), "expected_change: the eigenvalues of X X^T must not "
         "be negative, nor all zero; given 0 ... 0"),
        (lambda: isometry.expected_gap(np.ones((3, 2))), "expected_gap: x must have shape (d, n) with d <= "
         "n; "
         "given (3, 2), whose rows are dependent"),
        (lambda: isometry.series(1), "series: order must be an integer from 2 to 12; given 1"),
        (lambda: isometry.rate(0), "rate: dimension must be a positive integer; given 0"),
        (lambda: isometry.duplicate_change(1), "duplicate_change: d must be at least 2; given 1"),
    ],
)  # fmt: skip
def test_bad_input(call, sentence):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == sentence
