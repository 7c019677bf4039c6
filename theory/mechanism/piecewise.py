"""Continuous piecewise linear functions of one variable on an interval, in exact arithmetic."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from scalewright.theory.power import Exponent, exact


@dataclass(frozen=True)
class Piecewise:
    """The function through the points (knots[i], values[i]), straight in between.

    Functions of one interval add, multiply by rationals, and have a maximum; knots where no slope changes are
    dropped, so that equal functions compare equal.

    >>> c = Piecewise.identity(-1, 2)
    >>> str((-c).maximum(Piecewise.constant("-1/2", -1, 2)))
    'max(-c, -1/2)'
    """

    knots: tuple[Fraction, ...]
    values: tuple[Fraction, ...]

    @classmethod
    def identity(cls, low: Exponent, high: Exponent) -> "Piecewise":
        """Return the variable itself on [low, high]; ValueError unless low < high."""
        ends = exact(low, "Piecewise: low"), exact(high, "Piecewise: high")
        if not ends[0] < ends[1]:
            raise ValueError(f"Piecewise: low must be less than high; given {ends[0]} and {ends[1]}")
        return cls(ends, ends)

    @classmethod
    def constant(cls, value: Exponent, low: Exponent, high: Exponent) -> "Piecewise":
        """Return a constant on [low, high]."""
        return cls.identity(low, high) * 0 + value

    def at(self, c: Exponent) -> Fraction:
        """Return the value at c; ValueError outside of the interval."""
        place = exact(c, "Piecewise.at: c")
        for (left, low), (right, high) in self._pieces():
            if left <= place <= right:
                return low + (high - low) * (place - left) / (right - left)
        raise ValueError(f"Piecewise.at: c must be from {self.knots[0]} to {self.knots[-1]}; given {place}")

    def __add__(self, other: "Piecewise | Exponent") -> "Piecewise":
        if isinstance(other, Piecewise):
            return self._with(other, lambda one, two: one + two)
        shift = exact(other, "Piecewise: a summand")
        return Piecewise(self.knots, tuple(value + shift for value in self.values))

    def __mul__(self, factor: Exponent) -> "Piecewise":
        by = exact(factor, "Piecewise: a factor")
        return _reduced(self.knots, tuple(value * by for value in self.values))

    def __neg__(self) -> "Piecewise":
        return self * -1

    def __sub__(self, other: "Piecewise | Exponent") -> "Piecewise":
        return self + (-other if isinstance(other, Piecewise) else -exact(other, "Piecewise: a summand"))

    def maximum(self, other: "Piecewise") -> "Piecewise":
        """Return the larger of two functions, with a knot wherever they cross."""
        return self._with(other, max, (self - other)._zeros())

    def restricted(self, low: Fraction, high: Fraction) -> "Piecewise":
        """Return the function on a smaller interval; ValueError if it isn't one."""
        knots = (low, *(knot for knot in self.knots if low < knot < high), high)
        return Piecewise(knots, tuple(map(self.at, knots)))

    def nonpositive_from(self) -> Fraction | None:
        """Return the least c from which on the function is at most 0; None if it is not at the upper end."""
        if self.values[-1] > 0:
            return None
        for (left, low), (right, high) in reversed(tuple(self._pieces())):
            if low > 0:
                return right - high * (right - left) / (high - low)
        return self.knots[0]

    def agrees_from(self, other: "Piecewise") -> Fraction | None:
        """Return the least c from which on two functions are equal; None if they differ at the upper end."""
        gap = self - other
        if gap.values[-1]:
            return None
        for knot, value in reversed(list(zip(gap.knots, gap.values, strict=True))):
            if value:
                return next(k for k, v in zip(gap.knots, gap.values, strict=True) if k > knot and not v)
        return gap.knots[0]

    def _pieces(self) -> Iterator[tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]]]:
        return pairwise(zip(self.knots, self.values, strict=True))

    def _zeros(self) -> tuple[Fraction, ...]:
        """The places strictly between knots where the function crosses 0."""
        return tuple(
            left - low * (right - left) / (high - low)
            for (left, low), (right, high) in self._pieces()
            if low * high < 0
        )

    def _with(
        self,
        other: "Piecewise",
        combine: Callable[[Fraction, Fraction], Fraction],
        more: tuple[Fraction, ...] = (),
    ) -> "Piecewise":
        if (self.knots[0], self.knots[-1]) != (other.knots[0], other.knots[-1]):
            raise ValueError("Piecewise: two functions combine on the same interval only")
        if self.knots == other.knots and not more:
            return _reduced(self.knots, tuple(map(combine, self.values, other.values)))
        knots = tuple(sorted({*self.knots, *other.knots, *more}))
        return _reduced(knots, tuple(map(combine, self._sampled(knots), other._sampled(knots))))

    def _sampled(self, places: tuple[Fraction, ...]) -> Iterator[Fraction]:
        """Yield the values at increasing places, which include both ends."""
        pieces = self._pieces()
        (left, low), (right, high) = next(pieces)
        for place in places:
            while place > right:
                (left, low), (right, high) = next(pieces)
            if place == right:
                yield high
            elif place == left:
                yield low
            else:
                yield low + (high - low) * (place - left) / (right - left)

    def lines(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """Return (slope, intercept) of every straight piece, from the left."""
        found = []
        for (left, low), (right, high) in self._pieces():
            slope = (high - low) / (right - left)
            found.append((slope, low - slope * left))
        return tuple(found)

    def __str__(self) -> str:
        """Write a convex function as the maximum of its lines, another one piece by piece."""
        lines = self.lines()
        texts = [_line(*line) for line in lines]
        if len(lines) == 1:
            return texts[0]
        if all(one[0] < two[0] for one, two in pairwise(lines)):
            return f"max({', '.join(texts)})"
        inner = [f"up to c = {knot}" for knot in self.knots[1:-1]]
        return ", ".join(" ".join(pair) for pair in zip(texts, [*inner, "above"], strict=True))


def _reduced(knots: tuple[Fraction, ...], values: tuple[Fraction, ...]) -> Piecewise:
    """Return the function without the knots at which its slope stays the same."""
    points = list(zip(knots, values, strict=True))
    kept = [points[0]]
    for point, after in pairwise(points[1:]):
        before = kept[-1]
        if (point[1] - before[1]) * (after[0] - point[0]) != (after[1] - point[1]) * (point[0] - before[0]):
            kept.append(point)
    kept.append(points[-1])
    return Piecewise(tuple(p[0] for p in kept), tuple(p[1] for p in kept))


def _line(slope: Fraction, intercept: Fraction) -> str:
    """Write k + m c as people do: 1 - c, -c, 3/2 - 2 c, -1/2."""
    if not slope:
        return str(intercept)
    size = "" if abs(slope) == 1 else f"{abs(slope)} "
    if not intercept:
        return f"{'-' if slope < 0 else ''}{size}c"
    return f"{intercept} {'-' if slope < 0 else '+'} {size}c"
