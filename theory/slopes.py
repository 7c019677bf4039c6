"""What a coordinate check should measure: the slopes of both parts of the change of W x, weight by weight."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol


class Sized(Protocol):
    """A row of a profile: what is read of it."""

    @property
    def name(self) -> str: ...
    @property
    def parameter(self) -> str | None: ...
    @property
    def effective(self) -> object: ...
    @property
    def propagating(self) -> object: ...
    @property
    def change(self) -> object: ...


@dataclass(frozen=True)
class Slopes:
    """Predicted slopes, log size against log N, of one weight's coordinate check.

    $W_t x_t - W_0 x_0 = (W_t - W_0) x_t + W_0 (x_t - x_0)$: the total change is the sum of the effective and
    the propagating update, so its exponent is the larger of the two. None where a part is exactly zero,
    doesn't exist, or grows with every step of training, so that it has no slope.
    """

    tensor: str
    effective: float | None
    propagating: float | None
    total: float | None


def slopes_of(rows: Iterable[Sized]) -> dict[str, Slopes]:
    """Return the slopes of every weight under its name in a state dict.

    A weight that is used twice stands under its name for the first use, and under the tensor's for others.
    """
    found: dict[str, Slopes] = {}
    for row in rows:
        if row.parameter is None:
            continue
        key = row.name if row.parameter in found else row.parameter
        parts = (row.effective, row.propagating, row.change)
        found[key] = Slopes(row.name, *(_slope(part) for part in parts))
    return found


def _slope(value: object) -> float | None:
    return float(value) if isinstance(value, int | Fraction) else None
