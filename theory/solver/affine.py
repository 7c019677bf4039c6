"""Exact affine forms over named unknowns, and the maximum of several, each term with its reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

from scalewright.theory.power import Exponent, exact

ZERO = Fraction(0)
Key = TypeVar("Key", str, int)


def add_to(total: dict[Key, Fraction], other: Mapping[Key, Fraction], factor: Fraction) -> None:
    """Add factor * other to the sparse vector `total`, in place, leaving no zero behind.

    Factors of 1 and -1 are most frequent, and skip the product: this is the inner loop of every derivation.
    """
    unit = abs(factor) == 1
    for key, value in other.items():
        part = (value if factor > 0 else -value) if unit else factor * value
        known = total.get(key)
        result = part if known is None else known + part
        if result:
            total[key] = result
        else:
            total.pop(key, None)


@dataclass(frozen=True, eq=False)
class Affine:
    r"""The form $k + \sum_i m_i x_i$ with rational $k$ and $m_i$ and named unknowns $x_i$.

    Build with `Affine.unknown` and `Affine.number`; forms add, subtract, and multiply by rationals.

    >>> str(Affine.number("1/2") - Affine.unknown("a") - 2 * Affine.unknown("b"))
    '1/2 - a - 2 b'
    """

    constant: Fraction = ZERO
    coefficients: Mapping[str, Fraction] = field(default_factory=dict)

    @classmethod
    def unknown(cls, name: str) -> "Affine":
        """Return the form that is the unknown itself."""
        return cls(ZERO, {name: Fraction(1)})

    @classmethod
    def number(cls, value: Exponent) -> "Affine":
        """Return the constant form; a float raises TypeError."""
        return cls(exact(value, "Affine.number: value"), {})

    def __add__(self, other: "Affine | Exponent") -> "Affine":
        return self.plus(_affine(other), Fraction(1))

    __radd__ = __add__

    def __sub__(self, other: "Affine | Exponent") -> "Affine":
        return self.plus(_affine(other), Fraction(-1))

    def __rsub__(self, other: Exponent) -> "Affine":
        return _affine(other).plus(self, Fraction(-1))

    def __neg__(self) -> "Affine":
        return self * -1

    def __mul__(self, factor: Exponent) -> "Affine":
        rational = exact(factor, "Affine: a factor")
        if not rational:
            return Affine()
        return Affine(self.constant * rational, {n: m * rational for n, m in self.coefficients.items()})

    __rmul__ = __mul__

    def plus(self, other: "Affine", factor: Fraction) -> "Affine":
        """Return self + factor * other."""
        merged = dict(self.coefficients)
        add_to(merged, other.coefficients, factor)
        return Affine(self.constant + factor * other.constant, merged)

    @property
    def is_constant(self) -> bool:
        """Whether no unknown is left."""
        return not self.coefficients

    def at(self, values: Mapping[str, Fraction]) -> Fraction:
        """Return the number at the given values of all unknowns; KeyError if one is missing."""
        return self.constant + sum((m * values[name] for name, m in self.coefficients.items()), ZERO)

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


def _signed(value: Fraction, name: str) -> str:
    size = abs(value)
    body = name if name and size == 1 else f"{size} {name}".rstrip()
    return f"{'-' if value < 0 else '+'} {body}"


def _affine(value: "Affine | Exponent") -> Affine:
    return value if isinstance(value, Affine) else Affine.number(value)


@dataclass(frozen=True)
class Term:
    """One candidate of a maximum, and the reason why it is there."""

    value: Affine
    reason: str


@dataclass(frozen=True)
class Max:
    """The largest of several affine forms; no term at all stands for an exact zero (exponent -oo).

    `a | b` is the maximum of both; `a + form` shifts every term; `at(values)` is the number.
    """

    terms: tuple[Term, ...] = ()

    @classmethod
    def of(cls, value: Affine, reason: str) -> "Max":
        """Return the maximum with one term."""
        return cls((Term(value, reason),))

    @classmethod
    def over(cls, parts: Iterable["Max"]) -> "Max":
        """Return the maximum of all parts, in order."""
        return cls(tuple(term for part in parts for term in part.terms))

    def __or__(self, other: "Max") -> "Max":
        return Max(self.terms + other.terms)

    def __add__(self, shift: Affine | Exponent) -> "Max":
        return Max(tuple(Term(term.value + shift, term.reason) for term in self.terms))

    def at(self, values: Mapping[str, Fraction]) -> Fraction:
        """Return the largest term at the given values; ValueError if there is no term."""
        return max(term.value.at(values) for term in self.terms)

    def __str__(self) -> str:
        return "max(" + ", ".join(str(term.value) for term in self.terms) + ")"
