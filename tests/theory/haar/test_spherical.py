"""Spherical functions: orthogonality, eigenvalues of the Gram matrix, known values."""

from fractions import Fraction
from math import factorial, prod

import pytest

from scalewright.theory.haar.partitions import contents, pairing_count, partition_count, partitions
from scalewright.theory.haar.spherical import class_size, spherical_functions


@pytest.mark.parametrize("alpha", [1, 2])
@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_identity_orthogonal_and_complete(k, alpha):
    """Sum over classes of size omega omega' is 0 or 1/share; the projectors add up to the identity."""
    functions = spherical_functions(k, alpha)
    sizes = {mu: class_size(mu, alpha) for mu in partitions(k)}
    assert sum(sizes.values()) == (pairing_count(2 * k) if alpha == 2 else factorial(k))
    for x in functions:
        for y in functions:
            overlap = sum(sizes[mu] * x.values[mu] * y.values[mu] for mu in sizes)
            assert overlap == (1 / x.share if x is y else 0)
    for mu in sizes:
        assert sum(x.share * x.values[mu] for x in functions) == (mu == (1,) * k)


@pytest.mark.parametrize("alpha", [1, 2])
def test_identity_eigenvalues_of_the_gram_matrix_are_content_products(alpha):
    k, n = 5, 11
    for function in spherical_functions(k, alpha):
        eigenvalue = sum(class_size(mu, alpha) * n ** len(mu) * x for mu, x in function.values.items())
        assert eigenvalue == prod(n + content for content in contents(function.shape, alpha))


def test_literature_values():
    """Literature: characters of S_3 over their dimension; zonal functions of degree 3, Macdonald VII.2."""
    two_one = {f.shape: f for f in spherical_functions(3, 1)}[2, 1]
    assert two_one.values == {(3,): Fraction(-1, 2), (2, 1): 0, (1, 1, 1): 1}
    zonal = {f.shape: f for f in spherical_functions(3, 2)}
    assert zonal[2, 1].values == {(3,): Fraction(-1, 4), (2, 1): Fraction(1, 6), (1, 1, 1): 1}
    assert zonal[1, 1, 1].values == {(3,): Fraction(1, 4), (2, 1): Fraction(-1, 2), (1, 1, 1): 1}


def test_counts():
    assert [len(partitions(k)) for k in range(11)] == [partition_count(k) for k in range(11)]
    assert partition_count(50) == 204226
    assert (pairing_count(5), pairing_count(0), pairing_count(12)) == (0, 1, 10395)
