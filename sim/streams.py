r"""Generate samples without end for online training: inputs $x \sim N(0, 1)$ and a target of unit variance.

A sample is a function of (stream, inputs, task, seed, step) alone, in whatever order they are drawn: inputs
are the same on every machine, targets to rounding.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Stream(ABC):
    """An endless source of samples (x, y): x (samples, inputs), y (samples, 1), float64.

    Attributes:
        inputs: dimension D of x.
        task: seed of what the target is made of.

    Raises:
        ValueError: fewer inputs than the target needs.
    """

    inputs: int = 16
    task: int = 0
    name: ClassVar[str]
    fewest: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.inputs < self.fewest:
            raise ValueError(f"{self.name}: inputs must be at least {self.fewest}; given {self.inputs!r}")

    @abstractmethod
    def target(self, inputs: np.ndarray) -> np.ndarray:
        """Return y (samples,) at x (samples, inputs): mean 0 and variance 1 over the Gaussian."""

    def sample(self, samples: int, *, seed: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the samples of one step of the stream `seed`; step -1 is kept for evaluation."""
        inputs = self._generator(seed, step + 1).standard_normal((samples, self.inputs))
        return inputs, self.target(inputs)[:, None]

    def _generator(self, *key: int) -> np.random.Generator:
        tag = int.from_bytes(self.name.encode()[:8], "big")
        return np.random.default_rng(np.random.SeedSequence([tag, *key]))


@dataclass(frozen=True)
class Teacher(Stream):
    r"""A two-layer network of 8 hidden units, $y = \sum_j a_j\,\mathrm{erf}(w_j \cdot x)$, $|w_j| = 1$.

    The $w_j$ are uniform on the sphere, the $a_j$ Gaussian and rescaled so that y has variance 1, by the
    exact covariance $\langle \mathrm{erf}(w_i x)\,\mathrm{erf}(w_j x) \rangle = \frac{2}{\pi} \arcsin
    \frac{2 w_i \cdot w_j}{3}$ (Williams 1997, eq. 11).
    """

    name = "teacher"

    def target(self, inputs: np.ndarray) -> np.ndarray:
        """Return y (samples,)."""
        from scipy.special import erf

        generator = self._generator(self.task, 0, self.inputs)
        hidden = generator.standard_normal((8, self.inputs))
        hidden /= np.linalg.norm(hidden, axis=1, keepdims=True)
        readout = generator.standard_normal(8)
        covariance = 2 / np.pi * np.arcsin(np.clip(2 / 3 * hidden @ hidden.T, -1, 1))
        return erf(inputs @ hidden.T) @ (readout / np.sqrt(readout @ covariance @ readout))


@dataclass(frozen=True)
class MultiIndex(Stream):
    r"""A staircase over three orthonormal directions, $y = (z_1 + z_1 z_2 + z_1 z_2 z_3) / \sqrt{3}$.

    Each monomial has variance 1 and is uncorrelated with the others; the directions are uniform.
    """

    name = "multi-index"
    fewest = 3

    def target(self, inputs: np.ndarray) -> np.ndarray:
        """Return y (samples,)."""
        drawn = self._generator(self.task, 0, self.inputs).standard_normal((self.inputs, 3))
        frame, triangle = np.linalg.qr(drawn)
        frame = frame * np.sign(np.diag(triangle))  # the signs are a choice of LAPACK's, and not random
        first, second, third = (inputs @ frame).T
        return first * (1 + second * (1 + third)) / np.sqrt(3)


STREAMS: dict[str, type[Stream]] = {kind.name: kind for kind in (Teacher, MultiIndex)}


def stream(name: str, *, inputs: int = 16, task: int = 0) -> Stream:
    """Return a stream by name: "teacher" or "multi-index".

    Raises:
        ValueError: an unknown name, or too few inputs.
    """
    if name not in STREAMS:
        raise ValueError(f"stream: name must be one of {', '.join(STREAMS)}; given {name!r}")
    return STREAMS[name](inputs, task)
