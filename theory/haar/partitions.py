"""Count partitions, pairings and classes: the combinatorics on which Weingarten functions depend."""

from collections.abc import Iterator
from functools import cache
from math import factorial, prod

Partition = tuple[int, ...]
"""Parts in descending order, such as (2, 1, 1); the cycle type or coset type of degree k = sum of parts."""


@cache
def partitions(k: int) -> tuple[Partition, ...]:
    """Return the partitions of k in descending lexicographic order, which refines dominance.

    >>> partitions(3)
    ((3,), (2, 1), (1, 1, 1))
    """
    return tuple(_partitions(k, k))


def _partitions(k: int, largest: int) -> Iterator[Partition]:
    if k == 0:
        yield ()
    for part in range(min(k, largest), 0, -1):
        for rest in _partitions(k - part, part):
            yield (part, *rest)


def ordered(parts: Partition) -> Partition:
    """Return parts in descending order."""
    return tuple(sorted(parts, reverse=True))


def centralizer(mu: Partition) -> int:
    """Return z_mu = prod over part sizes i of i^m_i m_i!, m_i the number of parts i of mu."""
    return prod(i ** mu.count(i) * factorial(mu.count(i)) for i in set(mu))


def contents(shape: Partition, alpha: int) -> tuple[int, ...]:
    """Return alpha (j-1) - (i-1) for every box (row i, column j) of a shape."""
    return tuple(alpha * j - i for i, length in enumerate(shape) for j in range(length))


def pairing_count(size: int) -> int:
    """Return (size-1)!!, the number of pairings of an even number of things; 0 if it is odd.

    >>> pairing_count(10)
    945
    """
    return 0 if size % 2 else prod(range(1, size, 2))


@cache
def partition_count(k: int) -> int:
    """Return the number of partitions of k, from Euler's pentagonal recursion, without listing them."""
    if k < 2:
        return int(k >= 0)
    total, j = 0, 1
    while (pentagon := j * (3 * j - 1) // 2) <= k:
        sign = 1 if j % 2 else -1
        total += sign * (partition_count(k - pentagon) + partition_count(k - pentagon - j))
        j += 1
    return total
