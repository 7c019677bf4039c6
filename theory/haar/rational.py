"""Add fractions with denominators that are products of factors n + c, without a polynomial gcd."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm

from sympy import Expr, Integer, Mul, Poly, Pow, Symbol, factor_list

from scalewright.theory.haar.groups import exact


def sum_of_fractions(numerators: Sequence[Fraction], shifts: Sequence[tuple[int, ...]], n: Symbol) -> Expr:
    """Return the sum of numerator / prod (n + c), c over the shifts of a term, cancelled and in factors.

    >>> sum_of_fractions([Fraction(1), Fraction(-1)], [(0,), (1,)], Symbol("n"))
    1/(n*(n + 1))
    """
    kept = [(value, Counter(shift)) for value, shift in zip(numerators, shifts, strict=True) if value]
    common: Counter[int] = Counter()
    for _, counted in kept:
        common |= counted
    size = lcm(*(value.denominator for value, _ in kept))
    total: list[int] = []
    for value, counted in kept:
        scale = value.numerator * (size // value.denominator)
        total = _plus(total, [scale * c for c in _expanded(common - counted)])
    return _cancelled(total, size, common, n)


def _expanded(shifts: Counter[int]) -> list[int]:
    """Return the coefficients of prod (n + c), lowest power first."""
    out = [1]
    for shift in shifts.elements():
        out = [shift * low + high for low, high in zip([*out, 0], [0, *out], strict=True)]
    return out


def _plus(x: list[int], y: list[int]) -> list[int]:
    length = max(len(x), len(y))
    out = [a + b for a, b in zip(x + [0] * (length - len(x)), y + [0] * (length - len(y)), strict=True)]
    while out and not out[-1]:
        out.pop()
    return out


def _cancelled(numerator: list[int], size: int, denominator: Counter[int], n: Symbol) -> Expr:
    if not numerator:
        return Integer(0)
    left: Counter[int] = Counter()
    for shift, power in sorted(denominator.items()):
        for used in range(power):
            quotient = _divided(numerator, shift)
            if quotient is None:
                left[shift] = power - used
                break
            numerator = quotient
    content = gcd(*numerator)
    unit, factors = factor_list(Poly([c // content for c in reversed(numerator)], n))
    top = [Pow(factor.as_expr(), power) for factor, power in factors]
    bottom = [Pow(n + Integer(shift), -power) for shift, power in left.items()]
    return Mul(exact(Fraction(content, size)) * unit, *top, *bottom)


def _divided(polynomial: list[int], shift: int) -> list[int] | None:
    """Return polynomial / (n + shift), or None if the division leaves a remainder."""
    quotient, carry = [], 0
    for coefficient in reversed(polynomial):
        carry = coefficient - shift * carry
        quotient.append(carry)
    return None if quotient.pop() else quotient[::-1]
