"""Exact affine forms over named unknowns, and the maximum of several, each term with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias, TypeVar

from scalewright.theory.power import Exponent, exact

# An exact number: an int where it is whole, as most are; the arithmetic of ints is twenty times as fast.
Number: TypeAlias = Fraction | int
# Multipliers of numbered lines: {i: m} stands for the sum of m * line_i.
Combination: TypeAlias = dict[int, Number]
ZERO: Number = 0
Key = TypeVar("Key", str, int)


def slim(value: Number) -> Number:
    """Return a whole Fraction as an int, anything else unchanged."""
    return value if type(value) is int or value.denominator != 1 else value.numerator


def quotient(numerator: Number, denominator: Number) -> Number:
    """Return numerator / denominator exactly; `/` of two ints would be a float."""
    if denominator == 1:
        return numerator
    if denominator == -1:
        return -numerator
    return slim(Fraction(numerator) / denominator)


def magnitude(value: Number) -> Number:
    """Return |value|, of the same kind."""
    return -value if value < 0 else value


def times(factor: Number, value: Number) -> Number:
    """Return factor * value; factors of 1 and -1 are most frequent, and skip the product."""
    if factor == 1:
        return value
    return -value if factor == -1 else slim(factor * value)


def add_to(total: dict[Key, Number], other: Mapping[Key, Number], factor: Number) -> None:
    """Add factor * other to the sparse vector `total`, in place, leaving no zero behind.

    This is the inner loop of every derivation.
    """
    for key, value in other.items():
        part = times(factor, value)
        known = total.get(key)
        if known is None:
            total[key] = part
            continue
        result = slim(known + part)
        if result:
            total[key] = result
        else:
            del total[key]


@dataclass(frozen=True, eq=False)
class Affine:
    r"""The form $k + \sum_i m_i x_i$ with rational $k$ and $m_i$ and named unknowns $x_i$.

    Build with `Affine.unknown` and `Affine.number`; forms add, subtract, and multiply by rationals.

    >>> str(Affine.number("1/2") - Affine.unknown("a") - 2 * Affine.unknown("b"))
    '1/2 - a - 2 b'
    """

    constant: Number = ZERO
    coefficients: Mapping[str, Number] = field(default_factory=dict)

    @classmethod
    def unknown(cls, name: str) -> "Affine":
        """Return the form that is the unknown itself."""
        return cls(ZERO, {name: 1})

    @classmethod
    def number(cls, value: Exponent) -> "Affine":
        """Return the constant form; a float raises TypeError."""
        return cls(slim(exact(value, "Affine.number: value")), {})

    def __add__(self, other: "Affine | Exponent") -> "Affine":
        return self.plus(_affine(other), 1)

    __radd__ = __add__

    def __sub__(self, other: "Affine | Exponent") -> "Affine":
        return self.plus(_affine(other), -1)

    def __rsub__(self, other: Exponent) -> "Affine":
        return _affine(other).plus(self, -1)

    def __neg__(self) -> "Affine":
        return Affine(-self.constant, {name: -value for name, value in self.coefficients.items()})

    def __mul__(self, factor: Exponent) -> "Affine":
        rational = slim(exact(factor, "Affine: a factor"))
        if not rational:
            return Affine()
        scaled = {name: slim(value * rational) for name, value in self.coefficients.items()}
        return Affine(slim(self.constant * rational), scaled)

    __rmul__ = __mul__

    def plus(self, other: "Affine", factor: Number) -> "Affine":
        """Return self + factor * other."""
        merged = dict(self.coefficients)
        add_to(merged, other.coefficients, factor)
        return Affine(slim(self.constant + times(factor, other.constant)), merged)

    @property
    def is_constant(self) -> bool:
        """Whether no unknown is left."""
        return not self.coefficients

    def at(self, values: Mapping[str, Number]) -> Number:
        """Return the number at the given values of all unknowns; KeyError if one is missing."""
        return slim(self.constant + sum((m * values[name] for name, m in self.coefficients.items()), ZERO))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Affine):
            return NotImplemented
        return self.constant == other.constant and dict(self.coefficients) == dict(other.coefficients)

    def __hash__(self) -> int:
        return hash((self.constant, frozenset(self.coefficients.items())))

    def __str__(self) -> str:
        parts = [_signed(self.constant, "")] if self.constant or not self.coefficients else []
        parts += [_signed(value, name) for name, value in self.coefficients.items()]
        text = " ".join(parts)
        return text[2:] if text.startswith("+ ") else "-" + text[2:]


def _signed(value: Number, name: str) -> str:
    size = abs(value)
    body = name if name and size == 1 else f"{size} {name}".rstrip()
    return f"{'-' if value < 0 else '+'} {body}"


def _affine(value: "Affine | Exponent") -> Affine:
    return value if isinstance(value, Affine) else Affine.number(value)


@dataclass(frozen=True)
class Term:
    """One candidate of a maximum, and the reason why it is there; `later`: it is absent at the first step."""

    value: Affine
    reason: str
    later: bool = False


@dataclass(frozen=True)
class Max:
    """The largest of several affine forms; no term at all stands for an exact zero (exponent -oo).

    `a | b` is the maximum of both; `a + form` shifts every term; `at(values)` is the number.
    """

    terms: tuple[Term, ...] = ()

    @classmethod
    def of(cls, value: Affine, reason: str, *, later: bool = False) -> "Max":
        """Return the maximum with one term."""
        return cls((Term(value, reason, later),))

    def because(self, reason: str) -> "Max":
        """Return the same maximum with one reason for every term."""
        return Max(tuple(Term(term.value, reason, term.later) for term in self.terms))

    def delayed(self) -> "Max":
        """Return the same maximum, absent at the first step."""
        return Max(tuple(Term(term.value, term.reason, True) for term in self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __or__(self, other: "Max") -> "Max":
        return Max(self.terms + other.terms)

    def __add__(self, shift: Affine | Exponent) -> "Max":
        return Max(tuple(Term(term.value + shift, term.reason, term.later) for term in self.terms))

    def at(self, values: Mapping[str, Number]) -> Number:
        """Return the largest term at the given values; ValueError if there is no term."""
        return max(term.value.at(values) for term in self.terms)

    def __str__(self) -> str:
        return "max(" + ", ".join(str(term.value) for term in self.terms) + ")"
