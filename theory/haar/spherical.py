r"""Diagonalise the Gram matrix of a group on classes: spherical functions, multiplicities, eigenvalues.

The Gram matrix of the invariant tensors of degree k is a function of a class mu (a partition of k) alone,
n^(number of parts), so it lies in a commutative algebra: its eigenvectors don't depend on n. They are the
zonal spherical functions of $(S_{2k}, H_k)$ for O(n) (alpha = 2) and the normalised characters of $S_k$ for
U(n) (alpha = 1), and its eigenvalues products of n plus contents. Both are coefficients of Jack symmetric
functions in power sums, which are found here by orthogonalising products of the complete functions
$g_j = \sum_\mu p_\mu / (z_\mu \alpha^{\ell(\mu)})$ in an order that refines dominance: no group element is
enumerated. See docs/concepts/weingarten-calculus.md.

Reference: Macdonald, Symmetric functions and Hall polynomials, VI.10 (10.4, 10.14) and VII.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from scalewright.theory.haar.partitions import Partition, centralizer, ordered, partitions

Vector = dict[Partition, Fraction]


@dataclass(frozen=True)
class Spherical:
    """One eigenvector of the class-reduced Gram matrix.

    `values[mu]` is omega(mu), equal to 1 at (1, ..., 1); `share` is 1 / sum over classes of size times
    omega^2, which is the dimension of the eigenspace over that of the whole space. The projector is share *
    omega.
    """

    shape: Partition
    share: Fraction
    values: Mapping[Partition, Fraction]


@cache
def spherical_functions(k: int, alpha: int) -> tuple[Spherical, ...]:
    """Return the spherical functions of degree k: alpha = 2 for O(n) and Sp(n), 1 for U(n).

    Cost: p(k)^3 rational operations, p(k) the number of partitions of k.
    """
    found: list[tuple[Vector, Fraction]] = []
    for shape in partitions(k):
        product = _product(shape, alpha)
        vector = {mu: product.get(mu, Fraction(0)) for mu in partitions(k)}
        for other, norm in found:
            overlap = _inner(vector, other, alpha) / norm
            if overlap:
                vector = {mu: value - overlap * other[mu] for mu, value in vector.items()}
        found.append((vector, _inner(vector, vector, alpha)))
    return tuple(
        _normalised(shape, vector, alpha) for shape, (vector, _) in zip(partitions(k), found, strict=True)
    )


def class_size(mu: Partition, alpha: int) -> Fraction:
    """Return alpha^k k! / (z_mu alpha^parts): pairings (alpha 2) or permutations (alpha 1) of a type."""
    one = (1,) * sum(mu)
    return Fraction(_weight(one, alpha), _weight(mu, alpha))


def _weight(mu: Partition, alpha: int) -> int:
    """Return <p_mu, p_mu> = z_mu alpha^parts."""
    return centralizer(mu) * alpha ** len(mu)


def _inner(x: Vector, y: Vector, alpha: int) -> Fraction:
    return sum((value * y[mu] * _weight(mu, alpha) for mu, value in x.items()), Fraction(0))


def _product(shape: Partition, alpha: int) -> Vector:
    """Return the product of complete functions g_j over the parts j of a shape, in power sums."""
    out: Vector = {(): Fraction(1)}
    for part in shape:
        step: Vector = {}
        for left, value in out.items():
            for right in partitions(part):
                key = ordered(left + right)
                step[key] = step.get(key, Fraction(0)) + value / _weight(right, alpha)
        out = step
    return out


def _normalised(shape: Partition, vector: Vector, alpha: int) -> Spherical:
    one = (1,) * sum(shape)
    unit = vector[one] * _weight(one, alpha)
    values = {mu: value * _weight(mu, alpha) / unit for mu, value in vector.items()}
    norm = sum((class_size(mu, alpha) * value**2 for mu, value in values.items()), Fraction(0))
    return Spherical(shape, 1 / norm, values)
