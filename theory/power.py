"""The exact monomial of sizes, such as `n^-1/2 gamma^-1`: what every entry of a scaling table is."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import TypeAlias

Exponent: TypeAlias = Fraction | int | str

# Order and symbol in print: growing axes first, then the fixed sizes and the feature-learning strength.
SYMBOLS: dict[str, str] = {
    "width": "n",
    "depth": "L",
    "batch": "B",
    "experts": "E",
    "inputs": "inputs",
    "outputs": "outputs",
    "gamma": "gamma",
}


def exact(value: object, where: str) -> Fraction:
    """Return `value` as a Fraction; `where` begins the error sentence (which parameter of which function).

    Raises TypeError on a float, with the rational to write instead; ValueError on a string that is none.

    >>> exact("-1/2", "example")
    Fraction(-1, 2)
    """
    accepted = "an exact rational: Fraction, int or a string such as '-1/2'"
    if isinstance(value, float):
        raise TypeError(f"{where} must be {accepted}; given the float {value!r}{_rational_hint(value)}")
    if isinstance(value, bool) or not isinstance(value, Rational | str):
        raise TypeError(f"{where} must be {accepted}; given {value!r} of type {type(value).__name__}")
    try:
        fraction = Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{where} must be {accepted}; given {value!r}") from None
    return Fraction(int(fraction.numerator), int(fraction.denominator))


def _rational_hint(value: float) -> str:
    if not math.isfinite(value):
        return ""
    near = Fraction(value).limit_denominator(96)
    return f": write Fraction({near.numerator}, {near.denominator})"


def _rank(name: str) -> tuple[int, str]:
    known = list(SYMBOLS)
    return (known.index(name) if name in SYMBOLS else len(known), name)


@dataclass(frozen=True, init=False)
class Power:
    r"""An exact monomial $\prod_i \mathrm{size}_i^{e_i}$ of growing axes, fixed sizes and gamma.

    Exponents are rational; a positive one grows with the size. Powers compare and hash by value.

    >>> rate = Power({"width": "-1/2"}) * Power({"gamma": 2})
    >>> str(rate), rate.exponent("width")
    ('n^-1/2 gamma^2', Fraction(-1, 2))
    >>> rate.at(width=4, gamma=3)
    4.5
    """

    items: tuple[tuple[str, Fraction], ...]

    def __init__(self, exponents: Mapping[str, Exponent] | None = None) -> None:
        """Build from {size name: exponent}; zero exponents are dropped.

        Raises TypeError on a float exponent (the message shows the rational) or a name that is no string.
        """
        if exponents is not None and not isinstance(exponents, Mapping):
            raise TypeError(f"Power: exponents must map size names to rationals; given {exponents!r}")
        kept: dict[str, Fraction] = {}
        for name, value in (exponents or {}).items():
            if not isinstance(name, str) or not name:
                raise TypeError(f"Power: a size name must be a non-empty string; given {name!r}")
            kept[name] = exact(value, f"Power: the exponent of {name!r}")
        ordered = sorted((pair for pair in kept.items() if pair[1]), key=lambda pair: _rank(pair[0]))
        object.__setattr__(self, "items", tuple(ordered))

    @classmethod
    def one(cls) -> "Power":
        """Return the empty monomial, 1."""
        return cls()

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> "Power":
        """Read what `to_json` wrote: {size name: exponent as a string}."""
        return cls(data)

    @property
    def exponents(self) -> dict[str, Fraction]:
        """The nonzero exponents by size name, in print order."""
        return dict(self.items)

    def exponent(self, name: str) -> Fraction:
        """Return the exponent of the size `name`, 0 if the monomial doesn't depend on it."""
        return self.exponents.get(name, Fraction(0))

    def only(self, axes: Iterable[str]) -> "Power":
        """Return the factor that stands on the named sizes."""
        kept = set(axes)
        return Power({name: value for name, value in self.items if name in kept})

    def __mul__(self, other: "Power") -> "Power":
        if not isinstance(other, Power):
            return NotImplemented
        names = {**self.exponents, **other.exponents}
        return Power({name: self.exponent(name) + other.exponent(name) for name in names})

    def __truediv__(self, other: "Power") -> "Power":
        if not isinstance(other, Power):
            return NotImplemented
        return self * other**-1

    def __pow__(self, exponent: Exponent) -> "Power":
        rational = exact(exponent, "Power: the exponent of **")
        return Power({name: value * rational for name, value in self.items})

    def at(self, **sizes: float) -> float:
        """Return the number at the given sizes; sizes on which the monomial doesn't depend are ignored.

        Raises ValueError if a size it depends on is missing, or isn't positive and finite.
        """
        value = 1.0
        for name, exponent in self.items:
            if name not in sizes:
                given = ", ".join(f"{key}={size!r}" for key, size in sizes.items()) or "nothing"
                raise ValueError(f"Power.at: {self} needs the size {name!r}; given {given}")
            if not (sizes[name] > 0 and math.isfinite(sizes[name])):
                raise ValueError(f"Power.at: {name} must be a positive finite number; given {sizes[name]!r}")
            value *= float(sizes[name]) ** float(exponent)
        return value

    def to_json(self, axes: Iterable[str]) -> dict[str, str]:
        """Return {axis: exponent as a string} for the named axes only, zeros included.

        >>> Power({"width": "-1/2", "gamma": 1}).to_json(("width", "depth"))
        {'width': '-1/2', 'depth': '0'}
        """
        return {axis: str(self.exponent(axis)) for axis in axes}

    def __str__(self) -> str:
        factors = (SYMBOLS.get(n, n) + ("" if e == 1 else f"^{e}") for n, e in self.items)
        return " ".join(factors) or "1"

    def __repr__(self) -> str:
        inside = ", ".join(f"{name!r}: '{value}'" for name, value in self.items)
        return f"Power({{{inside}}})"
