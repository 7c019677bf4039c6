"""Oracle: haarpy, an independent library: zonal functions by sums over the hyperoctahedral group.

The small cases run by default, the large ones under the marker `crosslib`.
"""

from random import Random

import pytest
from sympy import Symbol, cancel

from scalewright.theory.haar import N, moment, partitions, weingarten

haarpy = pytest.importorskip("haarpy")
D = Symbol("d")


def same(ours, theirs):
    return cancel(ours.subs(N, D) - theirs) == 0


def check_table(k, group):
    theirs = {"orthogonal": haarpy.weingarten_orthogonal, "unitary": haarpy.weingarten_unitary}[group]
    for mu in partitions(k):
        assert same(weingarten(mu, group=group), theirs(mu, D)), mu


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("group", ["orthogonal", "unitary"])
def test_oracle_tables(k, group):
    check_table(k, group)


@pytest.mark.crosslib
@pytest.mark.parametrize(
    ("k", "group"), [(4, "orthogonal"), (5, "orthogonal"), (5, "unitary"), (6, "unitary")]
)
def test_oracle_large_tables(k, group):
    check_table(k, group)


@pytest.mark.parametrize("dimension", [1, 2])
def test_oracle_pseudo_inverse(dimension):
    for mu in partitions(3):
        assert weingarten(mu, dimension) == haarpy.weingarten_orthogonal(mu, dimension)


def test_oracle_random_monomials():
    random = Random(0)
    for _ in range(8):
        k = random.choice((1, 2))
        rows, columns = ([random.randint(1, 2) for _ in range(2 * k)] for _ in range(2))
        ours = moment(list(zip(rows, columns, strict=True)))
        assert same(ours, haarpy.haar_integral_orthogonal((tuple(rows), tuple(columns)), D)), (rows, columns)
        rows, columns = rows[:k], columns[:k]
        stars = random.sample(rows, k), random.sample(columns, k)
        ours = moment(
            list(zip(rows, columns, strict=True)),
            conjugates=list(zip(*stars, strict=True)),
            ensemble="unitary",
        )
        theirs = haarpy.haar_integral_unitary(
            (tuple(rows), tuple(columns)), (tuple(stars[0]), tuple(stars[1])), D
        )
        assert same(ours, theirs), (rows, columns, stars)


def test_oracle_symplectic_monomials():
    """haarpy counts indices 0 ... 2d-1, partners d apart; here +-1 ... +-n/2, n = 2d."""
    half, random = 2, Random(3)
    names = {i: i - 1 if i > 0 else half - i - 1 for i in (1, 2, -1, -2)}
    found = 0
    while found < 6:
        k = random.choice((1, 2))
        rows, columns = ([random.choice((1, 2, -1, -2)) for _ in range(2 * k)] for _ in range(2))
        ours = moment(list(zip(rows, columns, strict=True)), 2 * half, ensemble="symplectic")
        theirs = haarpy.haar_integral_symplectic(
            (tuple(names[i] for i in rows), tuple(names[j] for j in columns)), half
        )
        assert ours == theirs, (rows, columns)
        found += ours != 0
