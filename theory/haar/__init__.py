"""Weingarten calculus: exact moments of Haar matrices on O(n), U(n) and Sp(n), and of Gaussian ones.

`table` and `weingarten` give the Weingarten functions, symbolic or at an integer dimension, and `verify`
proves them; `moment` moments of entries; `expectation` those of sympy expressions in entries or in traces
with fixed matrices; `gram` the Gram matrix on classes, whose inverse the tables are. The text is
docs/concepts/weingarten-calculus.md.
"""

from scalewright.theory.haar.entries import moment
from scalewright.theory.haar.expectation import expectation
from scalewright.theory.haar.groups import N
from scalewright.theory.haar.pairings import coset_type, gram, pairings
from scalewright.theory.haar.partitions import pairing_count, partitions
from scalewright.theory.haar.relations import verify
from scalewright.theory.haar.tables import Table, table, weingarten

__all__ = [
    "N",
    "Table",
    "coset_type",
    "expectation",
    "gram",
    "moment",
    "pairing_count",
    "pairings",
    "partitions",
    "table",
    "verify",
    "weingarten",
]
