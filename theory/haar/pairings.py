"""Pairings and how two of them lie to each other: the Gram matrix on classes, by enumeration.

Tables don't need this (`spherical`); traces do, and it proves tables right in another way.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

from sympy import Expr, ImmutableMatrix, Integer

from scalewright.theory.haar.groups import N
from scalewright.theory.haar.partitions import Partition, ordered, pairing_count, partitions

Pairing = tuple[int, ...]
"""The partner of every thing: p[p[i]] = i, p[i] != i."""
LARGEST_COUNT = 200_000


def pairings(size: int, kinds: Sequence[bool] | None = None) -> Iterator[Pairing]:
    """Yield all pairings of `size` things, or those that pair different kinds only.

    Raises ValueError where there are more than 200,000 of all pairings. The first is (1, 0, 3, 2, ...).

    >>> [*pairings(4)]
    [(1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0)]
    """
    if kinds is None and pairing_count(size) > LARGEST_COUNT:
        raise ValueError(
            f"pairings: {size} things have {pairing_count(size)} pairings; at most {LARGEST_COUNT} are listed"
        )
    yield from _pairings([-1] * size, kinds)


def _pairings(partner: list[int], kinds: Sequence[bool] | None) -> Iterator[Pairing]:
    if -1 not in partner:
        yield tuple(partner)
        return
    first = partner.index(-1)
    for other in range(first + 1, len(partner)):
        if partner[other] == -1 and (kinds is None or kinds[first] != kinds[other]):
            partner[first], partner[other] = other, first
            yield from _pairings(partner, kinds)
            partner[first] = partner[other] = -1


def coset_type(p: Pairing, q: Pairing) -> Partition:
    """Return the half lengths of the loops that two pairings form together.

    >>> coset_type((1, 0, 3, 2), (2, 3, 0, 1))
    (2,)
    """
    seen, halves = [False] * len(p), []
    for start in range(len(p)):
        if seen[start]:
            continue
        here, half = start, 0
        while not seen[here]:
            there = p[here]
            seen[here] = seen[there] = True
            here, half = q[there], half + 1
        halves.append(half)
    return ordered(tuple(halves))


@cache
def gram(k: int) -> ImmutableMatrix:
    """Return the Gram matrix of O(n) reduced to classes, p(k) x p(k), with n symbolic.

    Entry (mu, nu) is the sum, over pairings t of type nu to a fixed one, of n^loops(s, t), s one of type mu;
    so sum over nu of entry (mu, nu) Wg(nu) is 1 for mu = (1, ..., 1) and 0 otherwise. Cost: (2k-1)!! p(k)
    loops.
    """
    first = next(pairings(2 * k))
    types = {p: coset_type(first, p) for p in pairings(2 * k)}
    representative = {mu: p for p, mu in types.items()}
    rows = []
    for mu in partitions(k):
        counts: Counter[tuple[Partition, int]] = Counter()
        for t, nu in types.items():
            counts[nu, len(coset_type(representative[mu], t))] += 1
        rows.append([_power_sum(counts, nu) for nu in partitions(k)])
    return ImmutableMatrix(rows)


def _power_sum(counts: Counter[tuple[Partition, int]], nu: Partition) -> Expr:
    terms = (count * N**loops for (found, loops), count in counts.items() if found == nu)
    return sum(terms, Integer(0))
