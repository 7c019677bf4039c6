"""Exact elimination of equalities that remembers how every reduced form was made from the constraints."""

from dataclasses import dataclass, field

from scalewright.theory.solver.affine import Affine, Combination, Number, add_to, quotient

# Unknowns that are eliminated first: those asked for, so that they end up expressed by sizes.
FIRST = "cewbaEPUgmszDG"


@dataclass
class Elimination:
    """Equalities in reduced row echelon form, each row with its combination of the original equalities.

    A row is a form with coefficient 1 at its pivot, equal to sum combination[i] * line_i, hence zero.
    `holders` names the pivots of the rows that mention an unknown.
    """

    rows: dict[str, tuple[Affine, Combination]] = field(default_factory=dict)
    holders: dict[str, dict[str, None]] = field(default_factory=dict)

    def reduce(self, form: Affine) -> tuple[Affine, Combination]:
        """Return (rest, combination) with form = rest + sum combination[i] * line_i, no pivot in rest."""
        combination: Combination = {}
        rest = form
        for name, value in form.coefficients.items():
            row = self.rows.get(name)
            if row is not None:
                rest = rest.plus(row[0], -value)
                add_to(combination, row[1], value)
        return rest, combination

    def add(self, form: Affine, made: Combination) -> tuple[Number, Combination] | None:
        """Add the equality form = 0, where form = sum made[i] * line_i.

        Return None, or, if it contradicts the others, (nonzero constant, combination) with
        constant = sum combination[i] * line_i.
        """
        rest, combination = self.reduce(form)
        own = dict(made)
        add_to(own, combination, -1)
        if rest.is_constant:
            return (rest.constant, own) if rest.constant else None
        pivot = min(rest.coefficients, key=_rank)
        scale = quotient(1, rest.coefficients[pivot])
        row: Combination = {}
        add_to(row, own, scale)
        self._substitute(pivot, rest * scale, row)
        return None

    def _substitute(self, pivot: str, form: Affine, combination: Combination) -> None:
        for name in self.holders.pop(pivot, {}):
            other, made = self.rows[name]
            value = other.coefficients.get(pivot)
            if value is not None:
                changed = dict(made)
                add_to(changed, combination, -value)
                self._put(name, other.plus(form, -value), changed)
        self._put(pivot, form, combination)

    def _put(self, pivot: str, form: Affine, combination: Combination) -> None:
        self.rows[pivot] = (form, combination)
        for name in form.coefficients:
            if name != pivot:
                self.holders.setdefault(name, {})[pivot] = None


def _rank(name: str) -> tuple[int, str]:
    place = FIRST.find(name[:1])
    return (place if place >= 0 else len(FIRST), name)
