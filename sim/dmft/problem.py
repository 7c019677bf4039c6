"""What the limit is asked: kernel, targets, network, optimizer; all checked before anything is computed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from scalewright.sim.dmft.losses import loss_of
from scalewright.sim.dmft.optimizer import memory

#: Relative asymmetry, and relative size of a negative eigenvalue, that rounding explains.
ROUNDING = 1e-8


@dataclass(frozen=True)
class Problem:
    """A network at infinite width, its data as a kernel, and how it is trained.

    Attributes:
        kernel: K^x = X X^T / D (P, P).
        targets: y (P, K).
        hidden_layers: L, number of hidden layers.
        activation: name of the activation.
        loss: name of the loss.
        lr: eta_0.
        steps: T.
        momentum, weight_decay: of torch's SGD; weight_decay in units in which a step removes lr *
        weight_decay.
        batches: samples of every step (T+1, B); the last row is evaluated only.
        rates: learning rate of every weight layer over the base rate (L+1,).
        residual: beta_0 of the branch multiplier beta_0 / sqrt(L - 1), None without skip connections.
    """

    kernel: np.ndarray
    targets: np.ndarray
    hidden_layers: int
    activation: str
    loss: str
    lr: float
    steps: int
    momentum: float
    weight_decay: float
    batches: np.ndarray
    rates: np.ndarray
    residual: float | None = None

    @cached_property
    def memory(self) -> tuple[np.ndarray, np.ndarray]:
        """The optimizer's memory (a, rho), see `optimizer.memory`."""
        return memory(self.steps, momentum=self.momentum, decay=self.lr * self.weight_decay)

    @property
    def layer_rates(self) -> np.ndarray:
        """Learning rate of every weight layer over the batch size (L+1,)."""
        return self.lr * self.rates / self.batches.shape[1]

    @cached_property
    def mask(self) -> np.ndarray:
        """How often every sample is in the batch of a step (T+1, P)."""
        counts = np.zeros((self.times, self.samples))
        for row, batch in zip(counts, self.batches, strict=True):
            np.add.at(row, batch, 1.0)
        return counts

    @property
    def branch(self) -> float:
        """Multiplier of every residual branch, 1 without skip connections."""
        return 1.0 if self.residual is None else self.residual / math.sqrt(self.hidden_layers - 1)

    @property
    def samples(self) -> int:
        """Number of samples P."""
        return len(self.kernel)

    @property
    def outputs(self) -> int:
        """Number of outputs K."""
        return self.targets.shape[1]

    @property
    def times(self) -> int:
        """Number of entries in time, T + 1."""
        return self.steps + 1


def check_kernel(kernel: Any) -> np.ndarray:
    """Return the kernel as a float array; ValueError unless it is symmetric positive semi-definite."""
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1] or not len(kernel):
        raise ValueError(
            f"dmft.solve: kernel must be a (P, P) array, X X^T / D of the inputs; given shape {kernel.shape}"
        )
    if not np.isfinite(kernel).all():
        raise ValueError("dmft.solve: kernel must hold finite numbers; given nan or inf")
    size = max(float(np.abs(kernel).max()), np.finfo(float).tiny)
    skew = float(np.abs(kernel - kernel.T).max())
    if skew > ROUNDING * size:
        raise ValueError(
            f"dmft.solve: kernel must be symmetric; given one with |K - K^T| up to {skew:.2g}: form it as "
            "X X^T / D"
        )
    lowest = float(np.linalg.eigvalsh(kernel)[0])
    if lowest < -ROUNDING * size * len(kernel):
        raise ValueError(
            f"dmft.solve: kernel must be positive semi-definite; given one with the eigenvalue {lowest:.3g}: "
            "form it as X X^T / D"
        )
    return (kernel + kernel.T) / 2


def check_targets(targets: Any, samples: int, loss: str) -> np.ndarray:
    """Return targets (P, K); classes become one-hot under cross-entropy, signs a column under logistic."""
    array = np.asarray(targets)
    if array.ndim not in (1, 2) or len(array) != samples or not np.isfinite(array.astype(float)).all():
        raise ValueError(
            f"dmft.solve: targets must be finite, one row for each of the {samples} samples of the kernel; "
            f"given shape {array.shape}"
        )
    if loss == "cross-entropy" and array.ndim == 1:
        if not np.issubdtype(array.dtype, np.integer) or array.min() < 0:
            raise ValueError(
                "dmft.solve: targets of loss 'cross-entropy' must be classes 0, 1, ... or rows of "
                f"probabilities; given {array.dtype} from {array.min()}"
            )
        return np.eye(int(array.max()) + 1)[array]
    array = array.astype(float).reshape(samples, -1)
    if loss == "cross-entropy" and ((array < 0).any() or np.abs(array.sum(axis=1) - 1).max() > ROUNDING):
        raise ValueError(
            "dmft.solve: targets of loss 'cross-entropy' must be classes 0, 1, ... or rows of probabilities "
            "that add up to 1; given others"
        )
    if loss == "logistic" and (array.shape[1] != 1 or not np.isin(array, (-1.0, 1.0)).all()):
        raise ValueError("dmft.solve: targets of loss 'logistic' must be -1 or 1, one a sample; given others")
    return array


def check_batches(batches: Any, samples: int, steps: int) -> np.ndarray:
    """Return the samples of every step (T+1, B); without `batches` all of them."""
    if batches is None:
        return np.tile(np.arange(samples), (steps + 1, 1))
    array = np.asarray(batches)
    fits = array.ndim == 2 and array.shape[0] == steps + 1 and array.shape[1] > 0
    if not fits or not np.issubdtype(array.dtype, np.integer) or array.min() < 0 or array.max() >= samples:
        raise ValueError(
            f"dmft.solve: batches must be a (steps + 1, B) = ({steps + 1}, B) array of indices below "
            f"{samples}, a row a step, the last only evaluated; given {array.dtype} of shape {array.shape}"
        )
    return array


def check_integer(name: str, value: Any, least: int) -> int:
    """Return an integer of at least `least`; TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"dmft.solve: {name} must be an integer; given {value!r}")
    if value < least:
        raise ValueError(f"dmft.solve: {name} must be at least {least}; given {value}")
    return int(value)


def check_positive(name: str, value: Any) -> float:
    """Return a positive finite number; ValueError otherwise."""
    if not (isinstance(value, int | float | np.number) and 0 < value < math.inf):
        raise ValueError(f"dmft.solve: {name} must be a positive number; given {value!r}")
    return float(value)


def pose(
    kernel: Any,
    targets: Any,
    *,
    hidden_layers: int,
    activation: str,
    loss: str,
    lr: float,
    steps: int,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    batches: Any = None,
    rates: Sequence[float] | None = None,
    residual: float | None = None,
) -> Problem:
    """Return the checked problem; every refusal is one sentence that says what is accepted."""
    layers = check_integer("hidden_layers", hidden_layers, 1 if residual is None else 2)
    steps = check_integer("steps", steps, 0)
    loss_of(loss)
    kernel = check_kernel(kernel)
    if not 0 <= momentum < 1:
        raise ValueError(f"dmft.solve: momentum must be at least 0 and below 1; given {momentum}")
    if not (weight_decay >= 0 and math.isfinite(weight_decay)):
        raise ValueError(f"dmft.solve: weight_decay must be at least 0; given {weight_decay}")
    factors = np.ones(layers + 1) if rates is None else np.asarray(rates, dtype=float)
    if factors.shape != (layers + 1,) or not (np.isfinite(factors) & (factors >= 0)).all():
        raise ValueError(
            f"dmft.solve: rates must hold hidden_layers + 1 = {layers + 1} numbers of at least 0, one a "
            f"weight layer; given {factors.tolist()}"
        )
    if residual is not None:
        check_positive("residual", residual)
    return Problem(
        kernel, check_targets(targets, len(kernel), loss), layers, activation, loss,
        check_positive("lr", lr), steps, float(momentum), float(weight_decay),
        check_batches(batches, len(kernel), steps), factors, residual,
    )  # fmt: skip
