"""Every boundary: powers, constants, crossover, apex, and what is refused."""

from fractions import Fraction

import pytest
from sympy import E, Rational, exp, limit, oo, simplify

from scalewright.theory import richness, stability
from scalewright.theory.richness import OPTIMIZERS, boundaries, stable_edge
from scalewright.theory.richness.symbols import ERROR, GAMMA, LAYERS, MOMENTUM, STEPS


@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
@pytest.mark.parametrize("layers", [2, 3, 4])
def test_identity_powers_of_descent(layers, loss):
    found = boundaries(layers, loss)
    assert found["eta_min"].exponents == (2, 1)
    assert found["eta_crit"].exponents == found["eta_max"].exponents == (2, Rational(2, layers))


def test_literature_constants_of_the_squared_loss():
    """The table of science notes: eta_min gamma^2 log(1/eps)/(L T), gamma/((L-2) T); eta_crit 2/L."""
    found = boundaries(3)
    at = {GAMMA: 1, STEPS: 1, ERROR: exp(-6)}
    assert simplify(found["eta_min"].small.subs(at)) == 2
    assert found["eta_min"].large.subs(at) == 1
    assert found["eta_crit"].small.subs(at) == found["eta_crit"].large.subs(at) == Rational(2, 3)
    assert simplify(found.apex - (2 * STEPS / 3) ** 3) == 0
    assert boundaries(2).apex == exp(2 * STEPS)


@pytest.mark.parametrize("name", ["eta_min", "eta_crit"])
def test_identity_the_leading_forms_are_limits_of_the_expression(name):
    entry = boundaries(2)[name]
    assert limit(entry.expression / entry.small, GAMMA, 0) == 1
    ratio = (entry.expression / entry.large).subs({ERROR: Rational(1, 100), STEPS: 1})
    assert float(ratio.subs(GAMMA, 10**60).evalf()) == pytest.approx(1, abs=0.04)


def test_identity_the_local_power_crosses_over():
    local = boundaries(4)["eta_crit"].local_exponent
    assert simplify(local - (2 - Rational(3, 2) * GAMMA / (1 + GAMMA))) == 0


def test_identity_signed_steps_have_no_plateau_and_no_apex():
    for name in ("sign", "adam"):
        found = boundaries(3, "squared", name)
        assert found["eta_min"].exponents == found["eta_max"].exponents == (1, Rational(1, 3))
        assert found.apex is oo
    assert boundaries(3, "squared", "adam")["eta_max"].expression is None  # its constant is left open


@pytest.mark.parametrize("momentum", [Fraction(0), Fraction(1, 2), Fraction(9, 10)])
def test_oracle_the_edge_of_the_heavy_ball_is_theory_s(momentum):
    """Independent: theory.stability expands another polynomial, in numbers."""
    edge = stable_edge(Rational(momentum.numerator, momentum.denominator))
    assert edge == stability.threshold("heavy-ball", momentum=momentum)


def test_identity_momentum_moves_both_ends():
    plain, heavy = boundaries(3), boundaries(3, optimizer="momentum")
    assert simplify(heavy["eta_crit"].expression / plain["eta_crit"].expression - (1 + MOMENTUM)) == 0
    assert simplify(heavy["eta_min"].large / plain["eta_min"].large - (1 - MOMENTUM)) == 0
    assert heavy["eta_max"].status == "bound"


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_identity_the_logistic_loss_has_no_upper_edge(optimizer):
    found = boundaries(3, "logistic", optimizer)
    assert found["eta_max"].expression is oo
    assert found.apex is None
    assert found["eta_max"].exponents == (None, None)
    with pytest.raises(ValueError, match="eta_max has no expression at every gamma"):
        _ = found["eta_max"].local_exponent


def test_identity_divergence_of_two_layers_is_exact():
    assert simplify(boundaries(2)["eta_div"].expression / boundaries(2)["eta_crit"].expression) == 2
    assert simplify(boundaries(2, "cross-entropy")["eta_div"].small - 2 * (1 + E) * GAMMA) == 0
    assert boundaries(3)["eta_div"].status == "estimate"
    assert boundaries(3, "cross-entropy")["eta_div"].exponents == (1, Rational(2, 3))


def test_identity_two_wide_layers():
    squared, entropy = (boundaries(2, loss, model="wide") for loss in ("squared", "cross-entropy"))
    assert squared["eta_max"].small == 2 * GAMMA**2
    assert squared["eta_max"].large == GAMMA
    assert squared["eta_crit"].small == GAMMA**2
    assert entropy["eta_max"].exponents == (1, 1)
    assert entropy["eta_hole"].status == "bound"
    assert entropy["eta_hole"].exponents[0] == 1


def test_identity_symbolic_layers_and_the_table():
    found = boundaries()
    assert found["eta_crit"].exponents == (2, 2 / LAYERS)
    table = found.to_markdown()
    assert "| eta_crit | `2*gamma**2/L` | `2*gamma**(2/L)/L` | `2`, `2/L` | exact |" in table
    assert [entry.name for entry in found] == ["eta_min", "eta_crit", "eta_max", "eta_div"]
    assert "eta_min" in found
    assert "eta_top" not in found


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((1,), {}, "layers must be an integer of at least 2 or a sympy symbol; given 1"),
        ((3, "hinge"), {}, "loss must be one of 'squared', 'cross-entropy', 'logistic'; given 'hinge'"),
        (
            (3, "squared", "lion"),
            {},
            "optimizer must be one of 'sgd', 'momentum', 'sign', 'adam'; given 'lion'",
        ),
        ((3,), {"model": "deep"}, "model must be one of 'balanced', 'wide'; given 'deep'"),
        ((3,), {"model": "wide"}, "known for layers=2 and optimizer='sgd'; given layers=3 and 'sgd'"),
    ],
)
def test_bad_choices_are_refused(arguments, options, said):
    with pytest.raises(ValueError, match=said):
        boundaries(*arguments, **options)


def test_an_unknown_boundary_names_the_known_ones():
    with pytest.raises(
        KeyError, match="name must be one of eta_min, eta_crit, eta_max, eta_div; given 'eta_top'"
    ):
        _ = boundaries(3)["eta_top"]


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: boundaries("3"), TypeError, "richness.boundaries: layers must be exact"),
        (
            lambda: boundaries(3, optimizer="momentum", momentum=0.9),
            TypeError,
            "richness.boundaries: momentum",
        ),
        (
            lambda: boundaries(3, optimizer="momentum", momentum=2),
            ValueError,
            "momentum must lie in .0, 1.; given 2",
        ),
        (lambda: stable_edge(0.9), TypeError, r"write Rational\(9, 10\) instead"),
        (lambda: richness.half_time(3, rate=0.1), TypeError, "richness.half_time: rate must be exact"),
        (lambda: richness.flow_time(3, start=0.1), TypeError, "richness.flow_time: start must be exact"),
        (
            lambda: richness.flow_time(2, stop=2),
            ValueError,
            "accepted are 0 <= start < stop < 1; given 0 and 2",
        ),
        (lambda: richness.flow_time(2, start=Rational(1, 2), stop=0), ValueError, "given 1/2 and 0"),
        (lambda: richness.minimum_sharpness((0.5, 2)), TypeError, "weights must be exact"),
        (lambda: richness.minimum_sharpness(()), ValueError, "weights must be 2 or more"),
        (lambda: richness.wide.drift(2.0), TypeError, "richness.wide.drift: ratio must be exact"),
    ],
)
def test_floats_and_numbers_out_of_range_are_refused(call, error, said):
    with pytest.raises(error, match=said):
        call()
