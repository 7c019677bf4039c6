"""The losses of one output f on one point: their value, and the pull chi = d loss / d f."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np


@dataclass(frozen=True)
class Squared:
    """(f - y)^2 / 2, whose pull f - y is as large as f."""

    target: float = 1.0

    name = "squared"

    def __post_init__(self) -> None:
        if not math.isfinite(self.target):
            raise ValueError(f"uv.Squared: target must be a finite number; given {self.target}")

    def value(self, outputs: np.ndarray) -> np.ndarray:
        """Return the loss."""
        return (outputs - self.target) ** 2 / 2

    def pull(self, outputs: np.ndarray) -> np.ndarray:
        """Return d loss / d f."""
        return outputs - self.target


@dataclass(frozen=True)
class CrossEntropy:
    r"""$\log(1 + e^f) - p f$: cross-entropy of the logits (f, 0) with labels that are positive with share p.

    The pull $\sigma(f) - p$ lies between -p and 1 - p however large f is. With 0 < p < 1 the point carries
    both labels, as points of two classes that a network can't tell apart do, and the pull never vanishes;
    with p = 1 it vanishes as soon as f is large and positive.
    """

    share: float = 0.7

    name = "cross-entropy"

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"uv.CrossEntropy: share must be between 0 and 1; given {self.share}")

    def value(self, outputs: np.ndarray) -> np.ndarray:
        """Return the loss, without overflow."""
        return np.logaddexp(0.0, outputs) - self.share * outputs

    def pull(self, outputs: np.ndarray) -> np.ndarray:
        """Return d loss / d f, without overflow: sigma(f) = (1 + tanh(f / 2)) / 2."""
        return (1 + np.tanh(np.asarray(outputs) / 2)) / 2 - self.share


Loss: TypeAlias = Squared | CrossEntropy


def check_loss(loss: object, caller: str, *kinds: type) -> None:
    """Raise TypeError unless the loss is an object of this module, of one of the kinds if any are given."""
    known = kinds or (Squared, CrossEntropy)
    if not isinstance(loss, known):
        names = " or ".join(f"uv.{kind.__name__}(...)" for kind in known)
        raise TypeError(f"{caller}: loss must be {names}; given {loss!r}")
