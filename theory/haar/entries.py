r"""Moments of matrix entries, by counting closed trails in place of pairs of pairings.

An entry W_ij is an edge between the row i and the column j. A pairing of equal row indices joins edges two by
two at every row, one of column indices at every column: together they cut the edges into closed trails, whose
half lengths are the class of the two pairings. Trails with the same ends and length are interchangeable, so
they are counted by their multiset: E W_11^24 takes 12 states where there are (23!!)^2 = 10^23 pairs of
pairings.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sympy import Expr, Integer

from scalewright.theory.haar.ensembles import Ensemble, ensemble_of
from scalewright.theory.haar.groups import dimension_of
from scalewright.theory.haar.partitions import Partition, ordered, pairing_count, partition_count
from scalewright.theory.haar.tables import LARGEST_DEGREE
from scalewright.theory.integers import is_integer

Entry = tuple[int, int]
End = tuple[str, int, bool]
"""Side ("column" or "row"), index, and whether the edge there is a conjugated entry."""
Path = tuple[End, End, int]
State = tuple[tuple[Path, ...], Partition]


def moment(
    entries: Iterable[Entry],
    dimension: Any = None,
    *,
    conjugates: Iterable[Entry] = (),
    ensemble: str = "orthogonal",
) -> Expr:
    """Return E[product of entries W_ij], times those of the conjugated entries, exactly.

    Args:
        entries: (row, column) for every factor, counted from 1, repeated for powers. In the symplectic group
            an index is +-1, ..., +-n/2, and the invariant form is J(i, -i) = 1 = -J(-i, i) for i > 0.
        dimension: size n of the matrix, an integer or symbolic; None is the symbol n. A symbolic result holds
            for integers n >= k (symplectic: n >= 2k), k pairs of entries; integers are exact at every size.
        conjugates: entries that are conjugated, for "unitary" and "complex-gaussian".
        ensemble: "orthogonal", "unitary", "symplectic": Haar measure; "gaussian", "complex-gaussian":
            independent entries with E |W_ij|^2 = 1/n.

    Returns the exact moment; 0 where the degree is odd, or where some index can't be paired.

    Raises:
        ValueError: an index outside 1..n, a degree above 24 for a group.

    Cost: the number of multisets of trails, at worst exponential in the number of different entries.

    >>> moment([(1, 1)] * 4)
    3/(n*(n + 2))
    >>> moment([(1, 1), (1, 2), (2, 1), (2, 2)])
    -1/(n*(n - 1)*(n + 2))
    """
    kind = ensemble_of(ensemble, "moment")
    n = dimension_of(dimension, "moment", even=kind.signed)
    plain, starred = list(entries), list(conjugates)
    for entry in (*plain, *starred):
        _check(entry, n, kind)
    if starred and not kind.complex:
        raise ValueError(f"moment: conjugates belong to the complex ensembles; {kind.name} has real entries")
    degree = len(plain) + len(starred)
    if not degree:
        return Integer(1)
    if degree % 2 or (kind.complex and len(plain) != len(starred)):
        return Integer(0)
    check_degree(degree, kind, "moment")
    counts = trail_counts(plain, starred, kind)
    return kind.combine(counts, n) if counts else Integer(0)


def check_degree(degree: int, kind: Ensemble, function: str) -> None:
    """Refuse a degree whose Weingarten function is out of reach, the number of pairings first."""
    if kind.group is not None and degree > LARGEST_DEGREE:
        raise ValueError(
            f"{function}: degree {degree} has {pairing_count(degree)} pairings in "
            f"{partition_count(degree // 2)} classes; at most degree {LARGEST_DEGREE} is computed"
        )


def _check(entry: Entry, n: Expr, kind: Ensemble) -> None:
    largest = (n / 2 if kind.signed else n) if n.is_Integer else None
    for index in entry:
        if not is_integer(index):
            raise TypeError(f"moment: an index must be an integer; given {index!r}")
        size = abs(index) if kind.signed else index
        if size < 1 or (largest is not None and size > largest):
            allowed = "+-1, ..., +-n/2" if kind.signed else "1, ..., n"
            raise ValueError(f"moment: an index must be one of {allowed} with n = {n}; given {index}")


def trail_counts(plain: Sequence[Entry], starred: Sequence[Entry], kind: Ensemble) -> Counter[Partition]:
    """Return for every class the number of pairs of index pairings that fit, with signs for Sp(n)."""
    paths = [(("row", i, False), ("column", j, False), 1) for i, j in plain]
    paths += [(("row", i, True), ("column", j, True), 1) for i, j in starred]
    paths = [(min(first, last), max(first, last), length) for first, last, length in paths]
    states: Counter[State] = Counter({(tuple(sorted(paths)), ()): 1})
    done: Counter[Partition] = Counter()
    while states:
        following: Counter[State] = Counter()
        for (open_paths, closed), count in states.items():
            if not open_paths:
                done[closed] += count
                continue
            for state, ways in _joined(open_paths, closed, kind):
                following[state] += count * ways
        states = following
    return Counter({mu: count for mu, count in done.items() if count})


def _partner(end: End, kind: Ensemble) -> End:
    """Return what an end is joined to: an equal index, a conjugated one or, with a sign, the opposite."""
    side, index, starred = end
    return (side, -index if kind.signed else index, starred != kind.complex)


def _joined(paths: tuple[Path, ...], closed: Partition, kind: Ensemble) -> list[tuple[State, int]]:
    """Join the first end of the first path to every end that fits."""
    (first, last, length), rest = paths[0], paths[1:]
    target, found = _partner(first, kind), []
    if last == target:
        found.append(((rest, ordered((*closed, length // 2))), _sign(last, kind, closing=True)))
    for place, other in enumerate(rest):
        if other in rest[:place]:
            continue
        copies = rest.count(other)
        remaining = (*rest[:place], *rest[place + 1 :])
        for turned in (False, True):
            start, end, other_length = (other[1], other[0], other[2]) if turned else other
            if end != target:
                continue
            # Traversed as start ... end, first ... last; turning a path of m joins gives (-1)^m.
            sign = _sign(end, kind) * (_turn(other_length, kind) if turned else 1)
            new_path: Path = (start, last, length + other_length)
            if new_path[0] > new_path[1]:
                sign *= _turn(length + other_length, kind)
                new_path = (last, start, length + other_length)
            found.append(((tuple(sorted((*remaining, new_path))), closed), copies * sign))
    return found


def _sign(leaving: End, kind: Ensemble, *, closing: bool = False) -> int:
    """Return J(i, -i) for a join left at index i, and -1 for every closed trail."""
    if not kind.signed:
        return 1
    form = 1 if leaving[1] > 0 else -1
    return -form if closing else form


def _turn(length: int, kind: Ensemble) -> int:
    return -1 if kind.signed and (length - 1) % 2 else 1
