"""Moments of traces such as tr(A W B W^T): loops of fixed matrices are counted, no index is ever enumerated.

In a product of traces the occurrences of W and W^T are numbered; between one and the next stands a string of
fixed matrices. A pairing of the row indices and one of the column indices join the strings' ends: each loop
that forms is the trace of the strings in it, transposed where they are run through backwards, and an empty
loop is n.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import mul

from sympy import Expr, Integer, MatrixExpr, Mul, Trace, Transpose, conjugate

from scalewright.theory.haar.ensembles import Ensemble
from scalewright.theory.haar.entries import check_degree
from scalewright.theory.haar.pairings import Pairing, coset_type, pairings
from scalewright.theory.haar.partitions import Partition, pairing_count

LARGEST_WORK = 1_000_000
"""Pairs of pairings that are gone through at most: degree 10 in O(n), 12 in U(n)."""


@dataclass(frozen=True)
class Factor:
    """One matrix in a word: the symbol, and whether it stands transposed and conjugated."""

    symbol: MatrixExpr
    transposed: bool = False
    conjugated: bool = False

    def flipped(self) -> "Factor":
        """Return the transpose."""
        return Factor(self.symbol, not self.transposed, self.conjugated)

    def matrix(self) -> MatrixExpr:
        """Return the sympy matrix."""
        found = conjugate(self.symbol) if self.conjugated else self.symbol
        return Transpose(found) if self.transposed else found


Word = tuple[Factor, ...]


@dataclass(frozen=True)
class Layout:
    """Occurrences of W in a product of cyclic words, and the strings of fixed matrices that follow them.

    `after[m]` is the string between occurrence m and `following[m]`. `row_left[m]`: the row index of W stands
    on the left of the occurrence, as it does unless W is transposed there.
    """

    after: tuple[Word, ...]
    following: tuple[int, ...]
    row_left: tuple[bool, ...]
    conjugated: tuple[bool, ...]

    @classmethod
    def of(cls, words: Sequence[Word], random: MatrixExpr) -> "Layout":
        """Return the layout of cyclic words, each of which holds W."""
        after: list[Word] = []
        following: list[int] = []
        heads: list[Factor] = []
        for word in words:
            places = [i for i, factor in enumerate(word) if factor.symbol == random]
            turned = word[places[0] :] + word[: places[0]]
            first = len(heads)
            string: list[Factor] = []
            for factor in turned:
                if factor.symbol == random:
                    if len(heads) > first:
                        after.append(tuple(string))
                        following.append(len(heads))
                    heads.append(factor)
                    string = []
                else:
                    string.append(factor)
            after.append(tuple(string))
            following.append(first)
        rows = tuple(not head.transposed for head in heads)
        return cls(tuple(after), tuple(following), rows, tuple(head.conjugated for head in heads))

    def loops(self, rows: Pairing, columns: Pairing) -> list[Word]:
        """Return the words of the loops that a pairing of row and one of column indices form."""
        previous = {there: here for here, there in enumerate(self.following)}
        unseen, found = set(range(len(self.after))), []
        while unseen:
            string, forwards = min(unseen), True
            word: list[Factor] = []
            while string in unseen:
                unseen.discard(string)
                part = self.after[string]
                word += part if forwards else [factor.flipped() for factor in reversed(part)]
                # Which occurrence was reached, and on which of its sides.
                here, left = (self.following[string], True) if forwards else (string, False)
                on_row = self.row_left[here] == left
                there = (rows if on_row else columns)[here]
                enters_left = self.row_left[there] == on_row
                string, forwards = (previous[there], False) if enters_left else (there, True)
            found.append(tuple(word))
        return found


def trace_moment(
    words: Sequence[Word], random: MatrixExpr, n: Expr, ensemble: Ensemble, symmetric: frozenset[MatrixExpr]
) -> Expr:
    """Return E of the product of traces of words, a sum of traces of the fixed matrices alone.

    Cost: (2k-1)!!^2 pairs of pairings for O(n), k!^2 for U(n), (2k-1)!! and k! for Gaussian matrices.
    """
    constant = [word for word in words if all(factor.symbol != random for factor in word)]
    outside = _product(constant, n, symmetric)
    layout = Layout.of([word for word in words if word not in constant], random)
    size = len(layout.after)
    starred = sum(layout.conjugated)
    if not size:
        return outside
    if size % 2 or (ensemble.complex and 2 * starred != size):
        return Integer(0)
    _check_work(size, ensemble)
    kinds = layout.conjugated if ensemble.complex else None
    listed = list(pairings(size, kinds))
    collected: dict[tuple[Word, ...], Counter[Partition]] = {}
    for rows in listed:
        for columns in listed if ensemble.group is not None else [rows]:
            loops = sorted((_canonical(word, symmetric) for word in layout.loops(rows, columns)), key=_key)
            collected.setdefault(tuple(loops), Counter())[coset_type(rows, columns)] += 1
    terms = [
        ensemble.combine(counts, n) * _product(loops, n, symmetric) for loops, counts in collected.items()
    ]
    return outside * sum(terms, Integer(0))


def _check_work(size: int, ensemble: Ensemble) -> None:
    check_degree(size, ensemble, "expectation")
    count = pairing_count(size)
    if ensemble.complex:
        count = 1
        for k in range(2, size // 2 + 1):
            count *= k
    work = count if ensemble.group is None else count**2
    if work > LARGEST_WORK:
        noun = "permutations" if ensemble.complex else "pairings"
        raise ValueError(
            f"expectation: traces of degree {size} have {count} {noun}, so {work} terms; at most "
            f"{LARGEST_WORK} are summed; take entries, whose trails are counted together (`moment`), or a "
            "lower degree"
        )


def _key(word: Word) -> tuple[tuple[str, bool, bool], ...]:
    return tuple((str(factor.symbol), factor.transposed, factor.conjugated) for factor in word)


def _canonical(word: Word, symmetric: frozenset[MatrixExpr]) -> Word:
    """Return the first of all ways to write the trace of a word: turned round, and transposed."""
    turns = []
    for start in (word, tuple(factor.flipped() for factor in reversed(word))):
        plain = tuple(
            Factor(f.symbol, f.transposed and f.symbol not in symmetric, f.conjugated) for f in start
        )
        turns += [plain[i:] + plain[:i] for i in range(max(1, len(plain)))]
    return min(turns, key=_key)


def _product(words: Sequence[Word], n: Expr, symmetric: frozenset[MatrixExpr]) -> Expr:
    return Mul(*(_trace(_canonical(word, symmetric), n) for word in words))


def _trace(word: Word, n: Expr) -> Expr:
    return Trace(reduce(mul, (factor.matrix() for factor in word))) if word else n
