"""Every derivation of theory.landscape must hold when it is computed again, and a wrong step must not."""

from dataclasses import replace

import pytest
from sympy import Determinant, Eq, ImmutableMatrix, Matrix, MatrixExpr, Rational, Symbol, Trace, ZeroMatrix

from scalewright.theory.landscape import Derivation, Step, balanced, theorems, whitened
from scalewright.theory.landscape.derivation import definition, identity
from scalewright.theory.landscape.matrices import commutation, exact, refuse_float
from scalewright.theory.landscape.symbols import INPUTS, OUTPUTS, WIDTH, E, V

ALL = [
    theorems.closure,
    theorems.balancedness,
    theorems.spectra,
    theorems.lifting,
    theorems.width_limit,
    whitened.derivation,
    balanced.derivation,
]


@pytest.mark.parametrize("derive", ALL, ids=lambda derive: _name(derive))
def test_every_step_holds(derive):
    """Identity: both sides of each equation agree, symbolically or at random rationals of two seeds."""
    for seed in (0, 1):
        checks = derive().verify(seed=seed)
        assert [check.statement for check in checks if not check.holds] == []
        assert any(check.method != "definition" for check in checks)


def _name(derive):
    return f"{derive.__module__.rsplit('.', 1)[1]}.{derive.__name__}"


@pytest.mark.parametrize("derive", ALL, ids=_name)
def test_a_changed_side_is_caught_in_every_step(derive):
    """Control: a left-hand side that is one more (scalars) or twice as large (matrices) does not pass."""
    derivation = derive()
    for step in (step for step in derivation.steps if step.identity):
        left, right = step.expression.args
        wrong = replace(step, expression=Eq(_changed(left, right), right, evaluate=False))
        assert not replace(derivation, steps=(wrong,)).holds, step.statement


def _changed(left, right):
    if not isinstance(left, MatrixExpr):
        return left + 1
    return left + E.T * E if isinstance(right, ZeroMatrix) else 2 * left


def test_matrix_expressions_are_evaluated_by_their_definitions():
    """Identity: a definition is put in before the check. Control: without it the check fails."""
    step = identity("det", Determinant(E * V.T), Determinant(V * E.T), "transpose")
    sizes = ((INPUTS, 2), (OUTPUTS, 2), (WIDTH, 3))
    assert Derivation("d", (step,), (), sizes).holds
    same = identity("trace", Trace(E.T * E), Trace(V.T * V), "only if E = V")
    assert Derivation("d", (same,), ((V, E),), sizes).holds
    assert not Derivation("d", (same,), (), sizes).holds


def test_result_and_tables():
    """Identity: the result is the last step; markdown and LaTeX carry every statement and reason."""
    x = Symbol("x")
    steps = (
        definition("Name it.", x, Symbol("y"), "a choice"),
        Step("Use it.", Eq(x, x + 1, evaluate=False), "wrong"),
    )
    derivation = Derivation("Two lines", steps)
    assert derivation.result == steps[1].expression
    assert [check.method for check in derivation.verify()] == ["definition", "rational"]
    assert [check.holds for check in derivation.verify()] == [True, False]
    for text in (derivation.to_markdown(), derivation.to_latex()):
        assert all(step.statement in text and step.reason in text for step in steps)
        assert "Two lines" in text


def test_floats_are_refused_with_the_rational_to_write():
    """Identity: the whole sentence."""
    with pytest.raises(TypeError) as error:
        exact([[1, 0.25]], name="inputs", function="TwoLayer")
    assert str(error.value) == (
        "TwoLayer: inputs must be exact (integers, Fractions, sympy expressions); given the float 0.25; "
        "write Rational(1, 4) instead"
    )
    assert refuse_float(Rational(1, 4), name="rate", function="f") == Rational(1, 4)


def test_commutation_turns_vec_into_vec_of_the_transpose():
    """Identity: T vec(A) = vec(A^T); Control: T is not the identity."""
    a = Matrix(2, 3, range(6))
    turned = commutation(2, 3)
    assert turned * Matrix(list(a.T)) == Matrix(list(a))
    assert turned != ImmutableMatrix.eye(6)
