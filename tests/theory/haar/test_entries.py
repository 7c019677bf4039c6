"""Moments of entries: known values, relations between them, Monte Carlo, haarpy, bad input."""

from itertools import product
from math import prod
from random import Random

import numpy as np
import pytest
from sympy import Integer, Symbol, cancel, simplify

from scalewright.theory.haar import N, coset_type, moment, pairings, table

n = N
ENSEMBLES = ("orthogonal", "unitary", "symplectic", "gaussian", "complex-gaussian")


def test_literature_orthogonal_moments():
    """Literature: Collins and Sniady, math-ph/0402073; the Gamma-ratio formula for one row."""
    assert moment([(1, 1)] * 2) == 1 / n
    assert cancel(moment([(1, 1)] * 4) - 3 / (n * (n + 2))) == 0
    assert cancel(moment([(1, 1), (1, 1), (2, 2), (2, 2)]) - (n + 1) / (n * (n - 1) * (n + 2))) == 0
    assert cancel(moment([(1, 1), (1, 2), (2, 1), (2, 2)]) + 1 / (n * (n - 1) * (n + 2))) == 0
    for powers in ((2, 2), (4, 2, 2), (6, 4), (8,)):
        m = sum(powers) // 2
        row = [(1, j + 1) for j, power in enumerate(powers) for _ in range(power)]
        expected = prod(prod(range(1, power, 2)) for power in powers) / prod(n + 2 * i for i in range(m))
        assert cancel(moment(row) - expected) == 0


def test_literature_unitary_moments():
    """Literature: |U_11|^2 is Beta(1, n-1), so E |U_11|^(2k) = k! (n-1)! / (n+k-1)!."""
    assert moment([(1, 1)] * 3, conjugates=[(1, 1)] * 3, ensemble="unitary") == 6 / (n * (n + 1) * (n + 2))
    crossed = moment([(1, 1), (2, 2)], conjugates=[(1, 2), (2, 1)], ensemble="unitary")
    assert cancel(crossed + 1 / (n * (n**2 - 1))) == 0


def test_literature_gaussian_moments():
    """Literature: Wick: E x^4 = 3, E |z|^6 = 6."""
    assert moment([(1, 1)] * 4 + [(1, 2)] * 2, ensemble="gaussian") == 3 / n**3
    assert moment([(2, 1)] * 3, conjugates=[(2, 1)] * 3, ensemble="complex-gaussian") == 6 / n**3
    assert moment([(1, 1), (1, 1), (1, 2), (1, 2)], 4, ensemble="gaussian") == Integer(1) / 16


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_oracle_trails_count_what_the_sum_over_pairings_counts(k):
    """Oracle: the defining double sum over pairings, for random indices."""
    random, values, listed = Random(k), table(2 * k, 7), list(pairings(2 * k))
    for _ in range(6):
        entries = [(random.randint(1, 2), random.randint(1, 3)) for _ in range(2 * k)]
        rows, columns = zip(*entries, strict=True)
        fits = [
            [p for p in listed if all(index[i] == index[p[i]] for i in range(2 * k))]
            for index in (rows, columns)
        ]
        expected = sum(values[coset_type(p, q)] for p, q in product(*fits))
        assert moment(entries, 7) == expected


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
def test_identity_rows_are_orthonormal(dimension):
    """Identity: contracting a column index of W W^T = 1, also below the poles, by the pseudo-inverse."""
    for rest in ([(1, 1)] * 2, [(1, 1)] * 4, [(1, 1), (1, 1), (2, 1), (2, 1)]):
        if dimension == 1 and rest[-1] == (2, 1):
            continue
        for second in range(1, min(2, dimension) + 1):
            total = sum(moment([(1, j), (second, j), *rest], dimension) for j in range(1, dimension + 1))
            assert total == (moment(rest, dimension) if second == 1 else 0)


@pytest.mark.parametrize("dimension", [2, 4, 6])
def test_identity_the_symplectic_form_is_kept(dimension):
    """Identity: S J S^T = J under every further factor; dimension 2 lies below the poles."""
    half = range(1, dimension // 2 + 1)
    columns = [sign * j for j in half for sign in (1, -1)]
    for rest in ([(1, 1), (-1, -1)], [(1, 1), (-1, -1), (1, -1), (-1, 1)]):
        kept = moment(rest, dimension, ensemble="symplectic")
        for first, second, form in ((1, -1, 1), (-1, 1, -1), (1, 1, 0)):
            total = sum(
                (1 if j > 0 else -1)
                * moment([(first, j), (second, -j), *rest], dimension, ensemble="symplectic")
                for j in columns
            )
            assert total == form * kept


def place(index, ensemble):
    """Return where an index stands in the drawn matrices."""
    return 2 * (abs(index) - 1) + (index < 0) if ensemble == "symplectic" else index - 1


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_oracle_monte_carlo(ensemble, matrices):
    """Oracle: random monomials of degree 2, 4 and 6 on 40,000 draws, within 4 standard errors."""
    size, random = 4, Random(7)
    drawn = matrices(ensemble, size, 40_000, np.random.default_rng(1))
    indices = (1, -1, 2, -2) if ensemble == "symplectic" else (1, 2)
    starred, checked = ensemble in ("unitary", "complex-gaussian"), 0
    while checked < 12:
        k = random.choice((1, 2, 2, 3))
        entries = [(random.choice(indices), random.choice(indices)) for _ in range(k if starred else 2 * k)]
        rows, columns = zip(*entries, strict=True)
        conjugates = (
            list(zip(random.sample(rows, k), random.sample(columns, k), strict=True)) if starred else []
        )
        exact = moment(entries, size, conjugates=conjugates, ensemble=ensemble)
        if exact == 0 and random.random() < 0.8:
            continue
        values = np.ones(len(drawn), dtype=complex)
        for i, j in entries:
            values *= drawn[:, place(i, ensemble), place(j, ensemble)]
        for i, j in conjugates:
            values *= drawn[:, i - 1, j - 1].conj()
        error = np.sqrt(np.var(values) / len(values))
        assert abs(values.mean() - float(exact)) <= 4 * error, (entries, conjugates)
        checked += 1


def test_control_gaussian_moments_are_not_haar_moments(matrices):
    """Control: the same Monte Carlo tells E W_11^4 of Gaussian entries from that of O(4)."""
    values = matrices("orthogonal", 4, 40_000, np.random.default_rng(2))[:, 0, 0] ** 4
    error = values.std() / 200
    assert abs(values.mean() - float(moment([(1, 1)] * 4, 4))) <= 4 * error
    assert abs(values.mean() - float(moment([(1, 1)] * 4, 4, ensemble="gaussian"))) > 20 * error


def test_zero_is_no_error():
    assert moment([(1, 1)] * 3) == 0
    assert moment([(1, 1), (1, 2)]) == 0
    assert moment([(1, 1)], ensemble="unitary") == 0
    assert moment([]) == 1


def test_high_degree_needs_no_enumeration():
    """Degree 20 has (19!!)^2 = 4 10^17 pairs of pairings."""
    expected = prod(range(1, 20, 2)) / prod(n + 2 * i for i in range(10))
    assert simplify(moment([(1, 1)] * 20) / expected) == 1


def test_a_symbolic_dimension_may_have_any_name():
    d = Symbol("d")
    assert cancel(moment([(1, 1)] * 4, 2 * d) - 3 / (2 * d * (2 * d + 2))) == 0


@pytest.mark.parametrize(
    ("error", "call", "sentence"),
    [
        (ValueError, lambda: moment([(0, 1), (0, 1)]), "moment: an index must be one of 1, ..., n with n = "
         "n; "
         "given 0"),
        (ValueError, lambda: moment([(3, 1), (3, 1)], 2), "moment: an index must be one of 1, ..., n with "
         "n = 2; given 3"),
        (ValueError, lambda: moment([(3, 1), (-3, 1)], 4, ensemble="symplectic"), "moment: an index must be "
         "one of +-1, ..., +-n/2 with n = 4; given 3"),
        (TypeError, lambda: moment([(1.0, 1), (1, 1)]), "moment: an index must be an integer; given 1.0"),
        (ValueError, lambda: moment([(1, 1)] * 2, 0), "moment: dimension must be a positive integer; given "
         "0"),
        (ValueError, lambda: moment([(1, 1)], conjugates=[(1, 1)]), "moment: conjugates belong to the "
         "complex "
         "ensembles; orthogonal has real entries"),
        (ValueError, lambda: moment([(1, 1)] * 30), "moment: degree 30 has 6190283353629375 pairings in 176 "
         "classes; at most degree 24 is computed"),
        (ValueError, lambda: moment([(1, 1)] * 2, ensemble="goe"), "moment: ensemble must be one of "
         "orthogonal, unitary, symplectic, gaussian, complex-gaussian; given 'goe'"),
    ],
)  # fmt: skip
def test_bad_input(error, call, sentence):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == sentence
