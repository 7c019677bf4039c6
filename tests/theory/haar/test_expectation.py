"""Expectations of traces and of expressions: known formulas, index sums, Monte Carlo, bad input."""

import numpy as np
import pytest
from sympy import (
    Adjoint,
    HadamardProduct,
    Identity,
    MatPow,
    MatrixSymbol,
    Rational,
    Trace,
    cancel,
    conjugate,
    symbols,
)

from scalewright.theory.haar import N, expectation, moment, pairings

A, B, C, E, W = (MatrixSymbol(name, N, N) for name in "ABCEW")
FIXED = (A, B, C, E)


def equal(x, y):
    """Whether two sums of traces are equal."""
    return cancel((x - y).expand().together()) == 0


def test_literature_first_and_second_order():
    """Literature: E W B W^T = tr(B)/n; E tr(A W B W^T)^2 as in Collins and Sniady, by (n+1, -1)."""
    assert expectation(Trace(A * W * B * W.T), W) == Trace(A) * Trace(B) / N
    found = expectation(Trace(A * W * B * W.T) ** 2, W, symmetric=[A, B])
    a, b, aa, bb = Trace(A), Trace(B), Trace(A * A), Trace(B * B)
    below = N * (N - 1) * (N + 2)
    expected = ((N + 1) * a**2 * b**2 + 2 * N * aa * bb - 2 * a**2 * bb - 2 * b**2 * aa) / below
    assert equal(found, expected)


def test_literature_traces_of_powers():
    """Literature: Diaconis and Shahshahani 1994: E (tr W)^(2j) = (2j-1)!!, E |tr U|^(2j) = j! for n >= j."""
    assert [expectation(Trace(W) ** m, W) for m in (1, 2, 3, 4, 6)] == [0, 1, 0, 3, 15]
    power = Trace(W) * Trace(Adjoint(W))
    assert [expectation(power**j, W, ensemble="unitary") for j in (1, 2, 3)] == [1, 2, 6]
    assert expectation(Trace(W**2), W) == 1
    assert expectation(Trace(W**2), W, ensemble="unitary") == 0


def test_identity_orthogonality_inside_a_trace():
    assert expectation(Trace(A * W * W.T * B), W) == Trace(A * B)
    assert expectation(Trace(A * W * W**-1), W) == Trace(A)
    assert equal(expectation(Trace(W * A * W.T * W * B * W.T), W), Trace(A * B))
    assert expectation(Trace(A * W * Adjoint(W)), W, ensemble="unitary") == Trace(A)
    # Control: a Gaussian matrix is orthogonal in the mean alone.
    quartic = expectation(Trace(W * W.T * W * W.T), W, ensemble="gaussian")
    assert cancel(quartic - (2 * N + 1)) == 0


@pytest.mark.parametrize("ensemble", ["orthogonal", "unitary", "gaussian", "complex-gaussian"])
def test_oracle_monte_carlo(ensemble, matrices):
    """Oracle: random words with random fixed matrices of size 3 on 40,000 draws, within 4 standard errors."""
    size, rng = 3, np.random.default_rng(5)
    drawn = matrices(ensemble, size, 40_000, rng)
    fixed = {m.name: rng.normal(size=(size, size)) for m in FIXED}
    a, b, c, e, w = (MatrixSymbol(name, size, size) for name in "ABCEW")
    star = Adjoint(w) if ensemble in ("unitary", "complex-gaussian") else w.T
    cases = [
        Trace(a * w * b * star),
        Trace(a * w * b * star * c * w * e * star),
        Trace(a * w * b * star) * Trace(c * w * star.T.T * e),
        Trace(a * w * b) * Trace(c * star * e) * Trace(a * w * star),
        Trace(a * w * b.T * star * (c + 2 * a.T) * w * star),
    ]
    if star == w.T:
        cases += [Trace(a * w * b * w), Trace(a * w * b * w) * Trace(c * w * e * w.T)]
    for case in cases:
        exact = expectation(case, w, ensemble=ensemble)
        values = sampled(case, {"W": drawn} | fixed)
        error = np.sqrt(np.var(values) / len(drawn))
        assert abs(values.mean() - number(exact, fixed)) <= 4 * error, case


def sampled(case, values):
    """Evaluate a product of traces with stacks of matrices."""
    out = 1
    for factor in case.args if case.is_Mul else [case]:
        out = out * np.trace(stacked(factor.arg, values), axis1=-2, axis2=-1)
    return out


def stacked(expression, values):
    if isinstance(expression, MatrixSymbol):
        return values[expression.name]
    if not expression.is_Matrix:
        return float(expression)
    parts = [stacked(part, values) for part in expression.args]
    if expression.is_MatMul:
        out = parts[0]
        for part in parts[1:]:
            out = out * part if np.isscalar(out) or np.isscalar(part) else out @ part
        return out
    if isinstance(expression, MatPow):
        return np.linalg.matrix_power(parts[0], int(parts[1]))
    if expression.is_MatAdd:
        return sum(parts)
    if isinstance(expression, Adjoint):
        return parts[0].conj().swapaxes(-1, -2)
    return parts[0].swapaxes(-1, -2)


def number(exact, fixed):
    """Evaluate a sum of products of traces of fixed matrices."""
    total = 0.0
    for term in exact.expand().as_ordered_terms():
        plain, traces = term.as_independent(Trace)
        product = float(plain)
        for factor in traces.as_ordered_factors():
            base, power = factor.as_base_exp()
            if base != 1:
                product *= np.trace(stacked(base.arg, fixed)) ** float(power)
        total += product
    return total


def test_identity_a_trace_is_the_sum_over_its_indices():
    """Identity: E tr(A W B W^T)^2 at n = 2, with A and B numbers, against moments of entries."""
    size = 2
    a, b = [[1, 2], [0, 3]], [[-1, 1], [4, 2]]
    total = 0
    steps = [(i, j, k, m) for i in range(2) for j in range(2) for k in range(2) for m in range(2)]
    for i, j, k, m in steps:
        for i2, j2, k2, m2 in steps:
            weight = a[i][j] * b[k][m] * a[i2][j2] * b[k2][m2]
            entries = [(j + 1, k + 1), (i + 1, m + 1), (j2 + 1, k2 + 1), (i2 + 1, m2 + 1)]
            total += weight * moment(entries, size) if weight else 0
    names = MatrixSymbol("A", size, size), MatrixSymbol("B", size, size), MatrixSymbol("W", size, size)
    found = expectation(Trace(names[0] * names[2] * names[1] * names[2].T) ** 2, names[2])
    assert abs(number(found, {"A": np.array(a), "B": np.array(b)}) - float(total)) < 1e-12 * abs(total)


def test_sums_coefficients_and_entries():
    x = symbols("x")
    found = expectation(3 * x * Trace(W * B * W.T * Identity(N)) + W[0, 0] ** 2 - 1, W)
    assert equal(found, 3 * x * Trace(B) + 1 / N - 1)
    assert expectation(W[0, 0] ** 2 * W[0, 1] ** 2, W) == 1 / (N * (N + 2))
    u = W[0, 0] * conjugate(W[0, 0])
    assert expectation(u, W, ensemble="unitary") == 1 / N
    assert expectation(Trace(W * W.T) ** 0 * 5, W) == 5
    assert expectation(Trace(A * W), W) == 0
    both = expectation(Trace(A * (W + B) * (W.T + B.T)), W)
    assert equal(both, Trace(A) + Trace(A * B * B.T))


def test_integer_dimension_below_the_pole():
    """At n = 1 every matrix is a number and W = +-1: the pseudo-inverse gives the moment exactly."""
    a, w = MatrixSymbol("A", 1, 1), MatrixSymbol("W", 1, 1)
    found = expectation(Trace(a * w * a * w.T) ** 2, w, symmetric=[a])
    assert number(found, {"A": np.array([[2.0]])}) == 16
    assert expectation(w[0, 0] ** 6, w) == 1


def test_pairings_of_two_kinds():
    assert len(list(pairings(6))) == 15
    assert len(list(pairings(6, (False, True) * 3))) == 6
    with pytest.raises(ValueError, match=r"pairings: 16 things have 2027025 pairings; at most 200000"):
        next(pairings(16))


@pytest.mark.parametrize(
    ("expression", "options", "sentence"),
    [
        (Trace(W * A * W.T) * W[0, 0] ** 2, {}, "expectation: traces and entries of the random matrix can't "
         "stand in one product; write the entry W[i, j] as Trace(E * W) with a fixed matrix E"),
        (Trace(W * A * W.T) ** 6, {}, "expectation: traces of degree 12 have 10395 pairings, so 108056025 "
         "terms; at most 1000000 are summed; take entries, whose trails are counted together (`moment`), or "
         "a "
         "lower degree"),
        (Trace(W) ** 30, {"ensemble": "gaussian"}, "expectation: traces of degree 30 have 6190283353629375 "
         "pairings, so 6190283353629375 terms; at most 1000000 are summed; take entries, whose trails are "
         "counted together (`moment`), or a lower degree"),
        (Trace(W * A * W.T) ** -1, {}, "expectation: powers must be positive integers; given "
         "1/Trace(W*A*W.T)"),
        (Trace(A**-1 * W), {}, "expectation: a trace must hold sums, products and positive powers of matrix "
         "symbols, their transposes, adjoints and conjugates; given A**(-1)"),
        (Trace(HadamardProduct(A, B) * W), {}, "expectation: a trace must hold sums, products and positive "
         "powers "
         "of matrix symbols, their transposes, adjoints and conjugates; given HadamardProduct(A, B)"),
        (W.det(), {}, "expectation: Determinant(W) is neither a trace nor an entry of W; give a polynomial "
         "in "
         "these"),
        (W[symbols("i", integer=True), 0] ** 2, {}, "expectation: indices must be integers; given W[i, 0]; "
         "take a trace for sums over indices"),
        (Trace(W * A * W.T), {"ensemble": "symplectic"}, "expectation: traces are not taken for "
         "'symplectic'; "
         "give entries"),
        (Trace(W), {"ensemble": "cue"}, "expectation: ensemble must be one of orthogonal, unitary, "
         "symplectic, gaussian, complex-gaussian; given 'cue'"),
    ],
)  # fmt: skip
def test_bad_input(expression, options, sentence):
    with pytest.raises(ValueError) as caught:
        expectation(expression, W, **options)
    assert str(caught.value) == sentence


def test_bad_matrix():
    wide = MatrixSymbol("W", 2, 3)
    with pytest.raises(ValueError) as caught:
        expectation(Rational(1, 2), wide)
    assert str(caught.value) == "expectation: matrix must be a square MatrixSymbol; given W"
