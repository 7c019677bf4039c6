"""The random matrices whose moments are taken: Haar on three groups, and their Gaussian counterparts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from sympy import Expr, Integer, factor

from scalewright.theory.haar.groups import GROUPS, Group
from scalewright.theory.haar.partitions import Partition
from scalewright.theory.haar.tables import combination

EnsembleName: TypeAlias = Literal["orthogonal", "unitary", "symplectic", "gaussian", "complex-gaussian"]


@dataclass(frozen=True)
class Ensemble:
    """How the moments of a random n x n matrix are put together from pairs of index pairings.

    `complex`: entries are paired with conjugated ones. `group` None: independent Gaussian entries with
    E |W_ij|^2 = 1/n, for which rows and columns are paired alike (Wick's theorem): the function of the class
    is n^-k on (1, ..., 1), and 0 elsewhere.
    """

    name: str
    complex: bool
    group: Group | None

    @property
    def signed(self) -> bool:
        """Whether index pairings carry signs, as in the symplectic group."""
        return self.group is not None and self.group.sign < 0

    def combine(self, counts: Mapping[Partition, int], n: Expr) -> Expr:
        """Return the sum of counts[mu] times the ensemble's function of the class mu."""
        if not any(counts.values()):
            return Integer(0)
        if self.group is not None:
            return combination(counts, n, self.group)
        k = sum(next(iter(counts)))
        return factor(counts.get((1,) * k, 0) / n**k)


ENSEMBLES: Mapping[str, Ensemble] = {
    "orthogonal": Ensemble("orthogonal", False, GROUPS["orthogonal"]),
    "unitary": Ensemble("unitary", True, GROUPS["unitary"]),
    "symplectic": Ensemble("symplectic", False, GROUPS["symplectic"]),
    "gaussian": Ensemble("gaussian", False, None),
    "complex-gaussian": Ensemble("complex-gaussian", True, None),
}


def ensemble_of(name: Any, function: str) -> Ensemble:
    """Return an ensemble by name; ValueError with the names for any other."""
    if name not in ENSEMBLES:
        known = ", ".join(get_args(EnsembleName))
        raise ValueError(f"{function}: ensemble must be one of {known}; given {name!r}")
    return ENSEMBLES[name]
