"""Exact elimination of equalities that remembers how every reduced form was made from the constraints."""

from dataclasses import dataclass, field
from fractions import Fraction

from scalewright.theory.solver.affine import Affine, add_to

# Unknowns that are eliminated first: those asked for, so that they end up expressed by sizes.
FIRST = "cewbamsDG"

Combination = dict[int, Fraction]


@dataclass
class Elimination:
    """Equalities in reduced row echelon form, each row with its combination of the original equalities.

    A row is a form with coefficient 1 at its pivot, equal to sum combination[i] * equality_i, hence zero.
    """

    rows: dict[str, tuple[Affine, Combination]] = field(default_factory=dict)

    def copy(self) -> "Elimination":
        """Return an independent copy; rows are never changed in place."""
        return Elimination(dict(self.rows))

    def reduce(self, form: Affine) -> tuple[Affine, Combination]:
        """Return (rest, combination) with form = rest + sum combination[i] * equality_i, no pivot in rest."""
        combination: Combination = {}
        rest = form
        for name, value in form.coefficients.items():
            row = self.rows.get(name)
            if row is not None:
                rest = rest.plus(row[0], -value)
                add_to(combination, row[1], value)
        return rest, combination

    def add(self, index: int, form: Affine) -> tuple[Affine, Combination] | None:
        """Add the equality form = 0 under its index.

        Return None, or, if it contradicts the others, (nonzero constant, combination) with
        form = constant + sum combination[i] * equality_i.
        """
        rest, combination = self.reduce(form)
        if rest.is_constant:
            return (rest, combination) if rest.constant else None
        pivot = min(rest.coefficients, key=_rank)
        scale = 1 / rest.coefficients[pivot]
        row: Combination = {index: scale}
        add_to(row, combination, -scale)
        self._substitute(pivot, rest * scale, row)
        return None

    def _substitute(self, pivot: str, form: Affine, combination: Combination) -> None:
        for name, (other, made) in self.rows.items():
            value = other.coefficients.get(pivot)
            if value is not None:
                changed = dict(made)
                add_to(changed, combination, -value)
                self.rows[name] = (other.plus(form, -value), changed)
        self.rows[pivot] = (form, combination)


def _rank(name: str) -> tuple[int, str]:
    place = FIRST.find(name[:1])
    return (place if place >= 0 else len(FIRST), name)
