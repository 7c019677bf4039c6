r"""Weingarten functions of O(n), U(n) and Sp(n): the inverse of the Gram matrix of their invariant tensors.

For Haar-distributed W in O(n)

$$E[W_{i_1j_1}\cdots W_{i_{2k}j_{2k}}]=\sum_{p,q}\Delta_p(i)\,\Delta_q(j)\,\mathrm{Wg}(p,q),$$

summed over pairings p, q of 2k things; $\Delta_p(i)=1$ if indices paired by p are equal, else 0. Wg is the
(pseudo-)inverse of $G(p,q)=n^{\mathrm{loops}(p,q)}$, and depends only on the coset type mu of (p, q). In U(n)
permutations stand in place of pairings, and in Sp(n), n even, Wg(p, q) = sign(p) sign(q) Wg(mu).

The class-reduced system G Wg = 1 is solved by diagonalisation (`spherical`): the eigenvectors omega don't
depend on n, and

$$\mathrm{Wg}(\mu)=\sum_\lambda\frac{\mathrm{share}_\lambda\,\omega_\lambda(\mu)}{\prod_{(i,j)\in\lambda}(n+c_{ij})},$$

where shapes with a vanishing denominator are left out: that is the pseudo-inverse.

Reference: Collins and Śniady, math-ph/0402073; Collins and Matsumoto, arXiv:0903.5143, theorem 3.1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import prod
from typing import Any

from sympy import Expr, latex

from scalewright.theory.haar.groups import Group, N, dimension_of, exact, group_of
from scalewright.theory.haar.partitions import Partition, ordered, pairing_count, partition_count, partitions
from scalewright.theory.haar.rational import sum_of_fractions
from scalewright.theory.haar.spherical import spherical_functions
from scalewright.theory.integers import is_integer

LARGEST_DEGREE = 24
"""A table of this degree has 77 classes and takes seconds; each further pair about three times as long."""


@dataclass(frozen=True)
class Table(Mapping[Partition, Expr]):
    """The Weingarten function of one degree: an exact value for every class.

    `entries` maps partitions of k = degree / 2, the coset types (U(n): cycle types), to values. A table for a
    symbolic `dimension` holds for integers from `valid_from` on; `at` refuses smaller ones.
    """

    group: str
    degree: int
    dimension: Expr
    entries: Mapping[Partition, Expr]

    def __getitem__(self, mu: Partition) -> Expr:
        return self.entries[mu]

    def __iter__(self) -> Iterator[Partition]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def valid_from(self) -> int:
        """Least integer dimension at which the symbolic values hold."""
        return group_of(self.group, "Table").least_dimension(self.degree // 2)

    def at(self, dimension: int) -> "Table":
        """Return the table at an integer dimension, put into the symbolic values; ValueError below a pole."""
        n = dimension_of(dimension, "Table.at", even=self.group == "symplectic")
        if not self.dimension.is_Symbol:
            raise ValueError(
                f"Table.at: only a table for a symbol takes a number; this one is for {self.dimension}; "
                "make a new one"
            )
        if not n.is_Integer or n < self.valid_from:
            raise ValueError(
                f"Table.at: a symbolic {self.group} table of degree {self.degree} holds for integers from "
                f"{self.valid_from} on, above its poles; given {n}; table({self.degree}, dimension={n}, "
                f"group={self.group!r}) takes the pseudo-inverse"
            )
        values = {mu: value.subs(self.dimension, n) for mu, value in self.entries.items()}
        return Table(self.group, self.degree, n, values)

    def to_json(self) -> dict[str, Any]:
        """Return plain data; a value is exact text that sympy reads."""
        return {
            "group": self.group,
            "degree": self.degree,
            "dimension": str(self.dimension),
            "valid_from": self.valid_from if self.dimension.free_symbols else None,
            "pairings": pairing_count(self.degree) if self.group != "unitary" else None,
            "values": [{"class": list(mu), "value": str(value)} for mu, value in self.entries.items()],
        }

    def to_markdown(self) -> str:
        """Return a table with a line a class."""
        lines = ["| class | Wg |", "|---|---|"]
        lines += [f"| {class_name(mu)} | {value} |" for mu, value in self.entries.items()]
        return "\n".join(lines)

    def to_latex(self) -> str:
        """Return a LaTeX array with a line a class."""
        rows = (rf"({class_name(mu)}) & {latex(value)} \\" for mu, value in self.entries.items())
        head = r"\mu & \mathrm{Wg}(\mu) \\ \hline"
        return "\n".join([r"\begin{array}{ll}", head, *rows, r"\end{array}"])


def class_name(mu: Partition) -> str:
    """Return a class in words, such as "2, 1, 1"."""
    return ", ".join(map(str, mu))


def table(degree: int, dimension: Any = None, *, group: str = "orthogonal") -> Table:
    """Return the Weingarten function of degree entries, for every class.

    Args:
        degree: number of matrix entries in the expectation, even: 2k for k pairs (U(n): k entries and k
            conjugated ones).
        dimension: size n of the matrices: an integer (below the least pole the pseudo-inverse is taken), a
            sympy expression, or None for the symbol n. Even for Sp(n).
        group: "orthogonal", "unitary" or "symplectic".

    Raises:
        ValueError: an odd or non-positive degree, one above 24, a dimension below 1. TypeError: a float.

    Cost: p(k)^3 rational operations, p(k) the number of partitions of k = degree / 2.

    >>> table(4)[2,]
    -1/(n*(n - 1)*(n + 2))
    >>> table(4, 1)[2,]
    1/9
    """
    kind = group_of(group, "table")
    k = _pairs(degree)
    n = dimension_of(dimension, "table", even=kind.name == "symplectic")
    return Table(kind.name, degree, n, {mu: _value(mu, n, kind) for mu in partitions(k)})


def weingarten(mu: Partition, dimension: Any = None, *, group: str = "orthogonal") -> Expr:
    """Return the Weingarten function of one class, a partition such as (2, 1).

    >>> weingarten((2, 1), group="unitary")
    -1/((n - 2)*(n - 1)*(n + 1)*(n + 2))
    """
    parts = ordered(tuple(mu))
    if not parts or not all(is_integer(part) and part > 0 for part in parts):
        raise ValueError(f"weingarten: a class must be a partition, such as (2, 1); given {mu}")
    return table(2 * sum(parts), dimension, group=group)[parts]


def _pairs(degree: int) -> int:
    if not is_integer(degree):
        raise TypeError(f"table: degree must be an even positive integer; given {degree!r}")
    if degree < 1 or degree % 2:
        raise ValueError(
            f"table: degree must be even and positive, the number of matrix entries (odd moments are 0); "
            f"given {degree}"
        )
    if degree > LARGEST_DEGREE:
        raise ValueError(
            f"table: degree {degree} has {pairing_count(degree)} pairings in {partition_count(degree // 2)} "
            f"classes; at most degree {LARGEST_DEGREE} is computed"
        )
    return degree // 2


def combination(weights: Mapping[Partition, int], n: Expr, group: Group) -> Expr:
    """Return the sum of weights[mu] Wg(mu) over classes mu of one degree, cancelled and in factors."""
    k = sum(next(iter(weights)))
    shares, shifts = [], []
    for found in spherical_functions(k, group.alpha):
        share = found.share * sum((w * found.values[mu] for mu, w in weights.items()), Fraction(0))
        shares.append(share)
        shifts.append(group.shifts(found.shape))
    if n.is_Integer:
        below = [prod(int(n) + c for c in shift) for shift in shifts]
        return exact(sum((s / b for s, b in zip(shares, below, strict=True) if b), Fraction(0)))
    found_value = sum_of_fractions(shares, shifts, N)
    return found_value if n == N else found_value.subs(N, n)


@cache
def _value(mu: Partition, n: Expr, group: Group) -> Expr:
    return combination({mu: 1}, n, group)
