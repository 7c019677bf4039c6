"""Elimination is exact and keeps its books: every reduced form is the original plus recorded equalities."""

from hypothesis import given
from hypothesis import strategies as st

from scalewright.theory.solver.affine import Affine
from scalewright.theory.solver.elimination import Elimination

SMALL = st.integers(-2, 2)
FORMS = st.lists(SMALL, min_size=4, max_size=4).map(
    lambda k: sum((m * Affine.unknown(name) for name, m in zip("cab", k, strict=False)), Affine.number(k[3]))
)


@given(st.lists(FORMS, max_size=4), FORMS)
def test_property_reduced_forms_are_combinations(equalities: list[Affine], form: Affine) -> None:
    elimination = Elimination()
    for index, equality in enumerate(equalities):
        clash = elimination.add(equality, {index: 1})
        if clash is not None:
            constant, combination = clash
            total = sum((equalities[i] * m for i, m in combination.items()), Affine())
            assert total == Affine.number(constant)
            assert constant != 0
            return
    rest, combination = elimination.reduce(form)
    assert form == rest + sum((equalities[i] * m for i, m in combination.items()), Affine())
    assert not set(rest.coefficients) & set(elimination.rows)


def test_control_an_independent_form_is_left_alone() -> None:
    elimination = Elimination()
    elimination.add(Affine.unknown("a") - 1, {0: 1})
    assert elimination.reduce(Affine.unknown("b")) == (Affine.unknown("b"), {})
    assert elimination.reduce(Affine.unknown("a")) == (Affine.number(1), {0: 1})
    clash = elimination.add(Affine.unknown("a") - 2, {1: 1})
    assert clash == (-1, {1: 1, 0: -1})
