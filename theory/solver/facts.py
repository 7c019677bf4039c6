"""What is known of single unknowns: values and bounds, each with the line that proves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scalewright.theory.solver.affine import Affine, Combination, Number, add_to, quotient, slim, times


@dataclass(frozen=True)
class Known:
    """Line `index` of the proof says scale * (unknown - value) = 0, or <= 0."""

    value: Number
    index: int
    scale: Number = 1

    def __post_init__(self) -> None:
        assert self.scale


@dataclass
class Facts:
    """The unknowns whose value is known, and the bounds of others; every entry names its line."""

    values: dict[str, Known] = field(default_factory=dict)
    high: dict[str, Known] = field(default_factory=dict)
    low: dict[str, Known] = field(default_factory=dict)

    def copy(self) -> "Facts":
        """Return an independent copy."""
        return Facts(dict(self.values), dict(self.high), dict(self.low))

    def substitute(self, form: Affine) -> tuple[Affine, Combination]:
        """Return (rest, combination) with form = rest + sum combination[i] * line_i, values put in."""
        constant, rest = form.constant, {}
        combination: Combination = {}
        for name, factor in form.coefficients.items():
            known = self.values.get(name)
            if known is None:
                rest[name] = factor
                continue
            if known.value:
                constant = slim(constant + times(factor, known.value))
            add_to(combination, {known.index: quotient(factor, known.scale)}, 1)
        return Affine(constant, rest), combination

    def largest(self, form: Affine) -> tuple[Number, Combination] | None:
        """Return (bound, combination) with form - bound = combination of lines that are <= 0, or None.

        `form` must have no unknown of known value. Each unknown contributes its own bound.
        """
        total: Number = form.constant
        combination: Combination = {}
        for name, factor in form.coefficients.items():
            known = (self.high if factor > 0 else self.low).get(name)
            if known is None:
                return None
            if known.value:
                total = slim(total + times(factor, known.value))
            # line = scale * (x - value), scale of the sign of factor: factor * x = factor/scale * line + ...
            add_to(combination, {known.index: quotient(factor, known.scale)}, 1)
        return total, combination

    def at_most(self, form: Affine, bound: Number) -> Combination | None:
        """Return a combination of lines that proves form <= bound from values and bounds, or None."""
        rest, combination = self.substitute(form)
        found = self.largest(rest)
        if found is None or found[0] > bound:
            return None
        add_to(combination, found[1], 1)
        return combination

    def tightens(self, name: str, value: Number, side: Mapping[str, Known], sign: int) -> bool:
        """Whether `value` improves on the bound of `name` that is known (sign 1: from above)."""
        known = side.get(name)
        return known is None or sign * (known.value - value) > 0
