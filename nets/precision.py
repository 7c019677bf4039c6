"""In which floating-point type a centred network of small feature-learning strength is trained."""

from typing import Literal

Precision = Literal["float32", "float64"]

#: Below it a centred network is trained in float64.
SMALLEST_SINGLE = 1e-2


def precision_of(gamma: float) -> Precision:
    """Return the type for a feature-learning strength: float64 below 1e-2, float32 from there on."""
    return "float64" if gamma < SMALLEST_SINGLE else "float32"


def check_precision(caller: str, gamma: float, dtype: str, *, centred: bool) -> None:
    """Raise ValueError where centring would cancel the digits that the type has.

    A centred output is the difference of two of size 1/gamma, so that its rounding error is eps/gamma, with
    eps = 6e-8 in float32: 6e-6 at gamma = 1e-2, and the whole of it at gamma = 6e-8.
    """
    if centred and dtype not in ("float64", "auto") and gamma < SMALLEST_SINGLE:
        raise ValueError(
            f"{caller}: dtype must be float64 for a centred network at gamma < {SMALLEST_SINGLE:g}; given "
            f"{dtype} at gamma = {gamma:g}: centring subtracts outputs of size 1/gamma from each other and "
            f"cancels the digits that {dtype} has"
        )
