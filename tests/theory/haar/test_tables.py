"""Weingarten functions: published tables, the Gram matrix, the pseudo-inverse below the poles, bad input."""

import pytest
from sympy import Integer, Rational, Symbol, cancel, simplify, sympify, zeros
from sympy import Matrix as Dense

from scalewright.theory.haar import N, gram, partitions, table, weingarten

ORTHOGONAL = {
    (1,): "1/n",
    (1, 1): "(n+1)/(n*(n-1)*(n+2))",
    (2,): "-1/(n*(n-1)*(n+2))",
    (1, 1, 1): "(n**2+3*n-2)/D",
    (2, 1): "-(n+2)/D",
    (3,): "2/D",
    (1, 1, 1, 1): "(n-2)*(n+3)*(n**2+6*n+1)/F",
    (2, 1, 1): "-(n**3+6*n**2+3*n-6)/F",
    (2, 2): "(n**2+5*n+18)/F",
    (3, 1): "2*n*(n+4)/F",
    (4,): "-(5*n+6)/F",
}
UNITARY = {
    (1,): "1/n",
    (1, 1): "1/(n**2-1)",
    (2,): "-1/(n*(n**2-1))",
    (1, 1, 1): "(n**2-2)/D",
    (2, 1): "-n/D",
    (3,): "2/D",
    (1, 1, 1, 1): "(n**4-8*n**2+6)/F",
    (2, 1, 1): "-n*(n**2-4)/F",
    (2, 2): "(n**2+6)/F",
    (3, 1): "(2*n**2-3)/F",
    (4,): "-5*n/F",
}
DENOMINATORS = {
    "orthogonal": {
        "D": "n*(n-1)*(n-2)*(n+2)*(n+4)",
        "F": "n*(n-1)*(n-2)*(n-3)*(n+1)*(n+2)*(n+4)*(n+6)",
    },
    "unitary": {"D": "n*(n**2-1)*(n**2-4)", "F": "n**2*(n**2-1)*(n**2-4)*(n**2-9)"},
}


@pytest.mark.parametrize(("group", "known"), [("orthogonal", ORTHOGONAL), ("unitary", UNITARY)])
def test_literature_tables(group, known):
    """Literature: Collins and Sniady, math-ph/0402073, section 5 (O), and Collins, math-ph/0205010 (U)."""
    n = {"n": N}
    bottoms = {name: sympify(text, locals=n) for name, text in DENOMINATORS[group].items()}
    for mu, text in known.items():
        assert cancel(weingarten(mu, group=group) - sympify(text, locals=n | bottoms)) == 0, mu


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_oracle_the_class_reduced_gram_system(k):
    """Oracle: linear solve of the Gram matrix that is counted pairing by pairing, at integers."""
    for n in (k, k + 3):
        matrix = Dense(gram(k).subs(N, n))
        unit = zeros(len(partitions(k)), 1)
        unit[-1] = 1
        found = table(2 * k).at(n)
        assert list(matrix.LUsolve(unit)) == list(found.entries.values())
        assert found.entries == table(2 * k, n).entries


@pytest.mark.parametrize("k", [2, 3, 4])
def test_identity_pseudo_inverse_below_the_poles(k):
    """Identity: G G W = G, and W in the range of G, which determine W in the algebra of classes."""
    for n in range(1, k):
        matrix = Dense(gram(k).subs(N, n))
        found = Dense(list(table(2 * k, n).entries.values()))
        unit = zeros(len(found), 1)
        unit[-1] = 1
        assert matrix.det() == 0
        assert matrix * matrix * found == matrix * unit
        assert matrix.row_join(found).rank() == matrix.rank()


def test_identity_small_orthogonal_groups():
    """By hand: in O(1) all 9 terms of E W^4 = 1 are alike; in O(2) the table of n >= 2 still holds."""
    assert table(4, 1).entries == {(2,): Rational(1, 9), (1, 1): Rational(1, 9)}
    assert table(4, 2).entries == {(2,): Rational(-1, 8), (1, 1): Rational(3, 8)}


def test_identity_symplectic_is_orthogonal_of_negative_dimension():
    for degree in (2, 4, 6):
        k = degree // 2
        for mu, value in table(degree, group="symplectic").items():
            assert simplify(value - (-1) ** k * weingarten(mu).subs(N, -N)) == 0


def test_dimension_may_be_any_expression():
    d = Symbol("d")
    assert table(4, 2 * d)[2,] == weingarten((2,)).subs(N, 2 * d)
    assert table(4, Integer(3)).entries == table(4, 3).entries


def test_a_table_travels():
    found = table(4)
    assert len(found) == 2
    assert found.to_json()["values"][0] == {"class": [2], "value": "-1/(n*(n - 1)*(n + 2))"}
    assert found.to_json()["valid_from"] == 2
    assert table(4, 5).to_json()["valid_from"] is None
    assert "| 1, 1 | (n + 1)/(n*(n - 1)*(n + 2)) |" in found.to_markdown()
    # A row must not begin with a bracket: LaTeX reads it as an argument of the line break before it.
    assert all(line.startswith("(") for line in found.to_latex().splitlines()[2:-1])


@pytest.mark.parametrize(
    ("error", "call", "sentence"),
    [
        (ValueError, lambda: table(5), "table: degree must be even and positive, the number of matrix "
         "entries "
         "(odd moments are 0); given 5"),
        (ValueError, lambda: table(0), "table: degree must be even and positive, the number of matrix "
         "entries "
         "(odd moments are 0); given 0"),
        (TypeError, lambda: table(4.0), "table: degree must be an even positive integer; given 4.0"),
        (ValueError, lambda: table(40), "table: degree 40 has 319830986772877770815625 pairings in 627 "
         "classes; at most degree 24 is computed"),
        (ValueError, lambda: table(4, 0), "table: dimension must be a positive integer; given 0"),
        (ValueError, lambda: table(4, -3), "table: dimension must be a positive integer; given -3"),
        (ValueError, lambda: table(4, Rational(1, 2)), "table: dimension must be a positive integer; given "
         "1/2"),
        (TypeError, lambda: table(4, 3.0), "table: dimension must be a positive integer or a sympy "
         "expression; given 3.0"),
        (ValueError, lambda: table(4, 3, group="symplectic"), "table: dimension must be even for the "
         "symplectic group, the size of its matrices; given 3"),
        (ValueError, lambda: table(4, group="spin"), "table: group must be one of orthogonal, unitary, "
         "symplectic; given 'spin'"),
        (ValueError, lambda: weingarten(()), "weingarten: a class must be a partition, such as (2, 1); "
         "given ()"),
        (ValueError, lambda: weingarten((2, 0)), "weingarten: a class must be a partition, such as (2, 1); "
         "given (2, 0)"),
        (ValueError, lambda: table(8).at(3), "Table.at: a symbolic orthogonal table of degree 8 holds for "
         "integers from 4 on, above its poles; given 3; table(8, dimension=3, group='orthogonal') takes the "
         "pseudo-inverse"),
        (ValueError, lambda: table(8, group="symplectic").at(6), "Table.at: a symbolic symplectic table of "
         "degree 8 holds for integers from 8 on, above its poles; given 6; table(8, dimension=6, "
         "group='symplectic') takes the pseudo-inverse"),
        (ValueError, lambda: table(8, 5).at(6), "Table.at: only a table for a symbol takes a number; this "
         "one "
         "is for 5; make a new one"),
    ],
)  # fmt: skip
def test_bad_input(error, call, sentence):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == sentence
