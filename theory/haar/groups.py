"""The three compact groups: which classes their Weingarten functions live on, and where these have poles."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias, get_args

from sympy import Expr, Integer, Symbol, sympify

from scalewright.theory.haar.partitions import Partition, contents

GroupName: TypeAlias = Literal["orthogonal", "unitary", "symplectic"]
N = Symbol("n", integer=True, positive=True)
"""The dimension where none is given: the size of the matrices, even for the symplectic group."""

Dimension = int | Expr


@dataclass(frozen=True)
class Group:
    """What tells the groups apart.

    `alpha` 2: classes are coset types of two pairings; 1: cycle types of permutations. The eigenvalue of the
    Gram matrix on a shape is prod (n + `sign` content); sign -1 is the symplectic group, which is O(-n).
    """

    name: str
    alpha: int
    sign: int

    def shifts(self, shape: Partition) -> tuple[int, ...]:
        """Return the numbers c of the eigenvalue prod (n + c) of the Gram matrix on a shape."""
        return tuple(self.sign * content for content in contents(shape, self.alpha))

    def least_dimension(self, k: int) -> int:
        """Return the least n at which symbolic tables of k pairs hold: k, and 2k for Sp(n)."""
        return 2 * k if self.name == "symplectic" else k


GROUPS: Mapping[str, Group] = {
    "orthogonal": Group("orthogonal", 2, 1),
    "unitary": Group("unitary", 1, 1),
    "symplectic": Group("symplectic", 2, -1),
}


def group_of(name: str, function: str) -> Group:
    """Return a group by name; ValueError with the names for any other."""
    if name not in GROUPS:
        raise ValueError(f"{function}: group must be one of {', '.join(get_args(GroupName))}; given {name!r}")
    return GROUPS[name]


def dimension_of(value: Any, function: str, *, even: bool = False) -> Expr:
    """Return a dimension as an exact expression: a positive integer, or symbolic; n where it is None."""
    if value is None:
        return N
    if isinstance(value, bool | float):
        raise TypeError(
            f"{function}: dimension must be a positive integer or a sympy expression; given {value!r}"
        )
    found = sympify(value)
    if found.is_number:
        if not found.is_Integer or found < 1:
            raise ValueError(f"{function}: dimension must be a positive integer; given {value}")
        if even and found % 2:
            raise ValueError(
                f"{function}: dimension must be even for the symplectic group, the size of its matrices; "
                f"given {value}"
            )
    return found


def exact(value: Fraction | int) -> Expr:
    """Return a fraction as a sympy Rational."""
    fraction = Fraction(value)
    return Integer(fraction.numerator) / Integer(fraction.denominator)
