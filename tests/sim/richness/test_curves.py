"""Theory's expressions at numbers."""

import numpy as np
import pytest
from sympy import oo

from scalewright.sim.richness import evaluate
from scalewright.theory.richness import boundaries, half_time, wide
from scalewright.theory.richness.symbols import ERROR, GAMMA, STEPS


def test_identity_plain_hypergeometric_integral_and_lambert_expressions():
    gammas = [0.1, 10.0]
    flat = evaluate(boundaries(3)["eta_crit"].expression, gammas, steps=1, error=0.01)
    assert flat == pytest.approx(2 / 3 * np.array(gammas) ** 2 / (1 + np.array(gammas)) ** (4 / 3))
    for loss in ("squared", "logistic"):
        expression = boundaries(3, loss)["eta_min"].expression
        symbolic = float(expression.subs({GAMMA: 2, STEPS: 50, ERROR: 0.02}).evalf(10))
        assert evaluate(expression, [2.0], steps=50, error=0.02) == pytest.approx(symbolic, rel=1e-8)
    assert np.isfinite(evaluate(wide.hole_edge(), [1e-5], steps=1000, error=0.01)).all()


def test_identity_an_integral_keeps_its_digits_at_small_gamma():
    """eta_min / gamma^2 tends to its limit, the difference of order gamma."""
    plane = boundaries(3, "cross-entropy")
    ratio = [
        evaluate(plane["eta_min"].expression / form, [1e-8], steps=10, error=0.01)[0]
        for form in (plane["eta_min"].small,)
    ]
    assert ratio == pytest.approx([1.0], abs=1e-6)


def test_identity_no_edge_is_infinite():
    assert evaluate(oo, [1.0, 2.0], steps=1, error=0.1).tolist() == [np.inf, np.inf]


def test_a_constant_that_theory_leaves_open_is_refused():
    with pytest.raises(ValueError) as caught:
        evaluate(boundaries(3)["eta_div"].expression, [1.0], steps=1, error=0.1)
    assert str(caught.value) == (
        "richness.evaluate: expression must depend on gamma, T and epsilon alone; given one with A_L"
    )
    with pytest.raises(ValueError, match="given one with eta"):
        evaluate(half_time(3), [1.0], steps=1, error=0.1)
