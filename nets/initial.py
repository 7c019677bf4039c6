"""Draw initial weights that are the same numbers on every device, for every member and in every order."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Literal, TypeAlias

import numpy as np
from torch import nn

from scalewright.nets.models import HasGains

Gain: TypeAlias = Literal["auto"] | float | Mapping[str, float]


def standard_normal(shape: Sequence[int], *, seed: int, name: str, width: int) -> np.ndarray:
    """Return independent N(0, 1) numbers, float64, that depend on (seed, name, width) and on nothing else.

    The stream is keyed through `numpy.random.SeedSequence`; no global generator is read or moved.

    Raises:
        TypeError: a seed that is no integer.
        ValueError: a negative seed.
    """
    check_seed("standard_normal: seed", seed)
    if seed < 0:
        raise ValueError(f"standard_normal: seed must be a non-negative integer; given {seed!r}")
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")
    return np.random.default_rng(np.random.SeedSequence([int(seed), key, int(width)])).standard_normal(
        tuple(shape)
    )


def check_seed(what: str, seed: object) -> None:
    """Raise TypeError, in a sentence that `what` begins, unless the seed is an integer."""
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise TypeError(f"{what} must be an integer; given {seed!r}")


def resolve_gains(model: nn.Module, gain: Gain) -> dict[str, float]:
    """Return {parameter name: factor on its initial standard deviation}.

    "auto" asks the model (`gains()` of `models.HasGains`; 1 where it says nothing), a number is the gain of
    every parameter, and a mapping names parameters (1 for those left out).

    Raises:
        ValueError: a mapping that names an unknown parameter, a word that is not "auto", a gain that is not
            finite.
    """
    names = [name for name, _ in model.named_parameters()]
    if isinstance(gain, str):
        if gain != "auto":
            raise ValueError(f"gain must be 'auto', a number or a mapping of parameter names; given {gain!r}")
        given: Mapping[str, float] = model.gains() if isinstance(model, HasGains) else {}
    else:
        given = gain if isinstance(gain, Mapping) else dict.fromkeys(names, float(gain))
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ValueError(
            f"gain names must be parameters of the model ({', '.join(names)}); given {unknown[0]!r}"
        )
    for name, value in given.items():
        if not math.isfinite(value):
            raise ValueError(f"gain must be finite; given {value!r} for {name!r}")
    return {name: float(given.get(name, 1.0)) for name in names}
