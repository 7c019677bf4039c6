"""Accept whole numbers of any kind, numpy's included, and refuse the rest in one sentence."""

from numbers import Integral
from typing import Any


def is_integer(value: Any) -> bool:
    """Whether a value is a whole number: int, numpy or sympy integer, but no truth value."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def integer(value: Any, name: str, *, function: str, least: int) -> int:
    """Return a whole number as an int, or raise ValueError that names the argument and the function."""
    if not is_integer(value) or value < least:
        raise ValueError(f"{function}: {name} must be an integer of at least {least}; given {value!r}")
    return int(value)
