"""Orthogonality relations: they prove the tables, and refuse a wrong one."""

from dataclasses import replace

import pytest

from scalewright.theory.errors import Unverified
from scalewright.theory.haar import table, verify

GROUPS = ("orthogonal", "unitary", "symplectic")


@pytest.mark.parametrize("group", GROUPS)
def test_identity_symbolic_tables_obey_the_relations(group):
    assert [verify(table(degree, group=group)) for degree in (2, 4, 6, 8)] == [1, 2, 4, 7]


@pytest.mark.parametrize("group", GROUPS)
def test_identity_tables_of_high_degree_obey_them_at_integers(group):
    for dimension in (20, 22, 100):
        assert verify(table(20, dimension, group=group)) == 97


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("dimension", [None, 12])
def test_control_a_wrong_entry_is_caught(group, dimension):
    found = table(6, dimension, group=group)
    for mu in found:
        wrong = replace(found, entries={**found.entries, mu: found[mu] * 2})
        with pytest.raises(Unverified, match="fails in the"):
            verify(wrong)


def test_bad_input():
    sentence = (
        "verify: at dimension 2, below 3, the relations have many solutions; the table is the pseudo-inverse "
        "among them"
    )
    with pytest.raises(ValueError) as caught:
        verify(table(6, 2))
    assert str(caught.value) == sentence
