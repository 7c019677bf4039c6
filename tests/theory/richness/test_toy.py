"""The curvature of the toy against explicit Hessians, and the inequality that makes balance flattest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Rational, Symbol, limit, oo, simplify

from scalewright.theory import richness
from scalewright.theory.richness import proof, toy
from scalewright.theory.richness.symbols import AMPLITUDE, CURVATURE, GAMMA, PULL


@pytest.mark.parametrize("layers", [2, 3, 4, 5])
def test_oracle_the_spectrum_is_that_of_the_explicit_hessian(layers):
    """Independent: differentiated in every weight, with the eigenvectors put in."""
    assert proof.explicit_spectrum_agrees(layers)


def test_control_another_eigenvalue_is_none(monkeypatch):
    found = toy.spectrum(3)
    monkeypatch.setattr(
        toy, "spectrum", lambda layers: toy.Spectrum(layers, 2 * found.mode, found.unbalanced)
    )
    assert not proof.explicit_spectrum_agrees(3)


@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
@pytest.mark.parametrize("layers", [2, 3, 5])
def test_identity_the_sharpness_falls_as_gamma_to_minus_2_and_minus_2_over_l(layers, loss):
    end = richness.sharpness(layers, loss)
    slope = simplify(GAMMA * end.diff(GAMMA) / end)
    assert limit(slope, GAMMA, 0) == -2
    assert limit(slope, GAMMA, oo) == -Rational(2, layers)


def test_identity_the_sharpness_at_the_start_changes_from_the_mode_to_the_residual_at_gamma_1():
    start = richness.sharpness(3, at="start")
    assert [start.subs(GAMMA, g) for g in (Rational(1, 2), 1, 2)] == [8, 1, Rational(1, 2)]
    assert richness.progressive_sharpening(2).subs(GAMMA, 10**8).evalf() == pytest.approx(2, abs=1e-6)


def test_identity_the_logistic_loss_has_no_sharpness_at_its_end():
    assert richness.sharpness(3, "logistic") == 0


@given(st.lists(st.integers(1, 30), min_size=2, max_size=5))
def test_property_no_minimum_is_flatter_than_the_balanced_one(numbers):
    weights = [Rational(n, 7) for n in numbers]
    product, layers = Rational(1), len(weights)
    for weight in weights:
        product *= weight
    found = float(toy.minimum_sharpness(weights) * GAMMA**2)
    balanced = layers * float(product) ** (2 - 2 / layers)
    assert found >= balanced * (1 - 1e-12)


def test_the_mode_is_a_saddle_on_the_plateau():
    """gamma >> 1 at the start: the mode's curvature is negative with more than one layer."""
    mode = richness.spectrum(3).mode.subs({AMPLITUDE: 1, PULL: 1, CURVATURE: 1, GAMMA: 100})
    assert mode < 0


@pytest.mark.parametrize(
    ("layers", "error", "said"),
    [
        (
            1,
            ValueError,
            "richness.spectrum: layers must be an integer of at least 2 or a sympy symbol; given 1",
        ),
        (2.5, TypeError, "richness.spectrum: layers must be exact"),
    ],
)
def test_bad_layers_are_refused(layers, error, said):
    with pytest.raises(error, match=said):
        richness.spectrum(layers)


def test_another_place_is_refused():
    with pytest.raises(ValueError, match="at must be 'start' or 'end'; given 'middle'"):
        richness.sharpness(3, at="middle")


def test_a_symbol_of_ones_own_is_kept():
    depth = Symbol("depth", positive=True)
    assert richness.sharpness(depth).free_symbols == {depth, GAMMA}
