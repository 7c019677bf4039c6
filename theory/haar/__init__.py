"""Weingarten calculus: exact moments of Haar matrices on O(n), U(n) and Sp(n), and of Gaussian ones.

`table` and `weingarten` give the Weingarten functions, symbolic or at an integer dimension; `moment` moments
of entries. The text is docs/concepts/weingarten-calculus.md.
"""

from scalewright.theory.haar.entries import moment
from scalewright.theory.haar.groups import N
from scalewright.theory.haar.partitions import pairing_count, partitions
from scalewright.theory.haar.weingarten import Table, table, weingarten

__all__ = ["N", "Table", "moment", "pairing_count", "partitions", "table", "weingarten"]
