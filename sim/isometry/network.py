"""Say what network a chain is: sizes, weights, activation, gains; and run one layer of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from scalewright.sim.isometry.weights import Weights, draw

Function: TypeAlias = Callable[[np.ndarray], np.ndarray]
Rows = Literal["rms", "norm"]

#: activation -> the function and its derivative.
ACTIVATIONS: dict[str, tuple[Function, Function]] = {
    "linear": (lambda x: x, np.ones_like),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "sin": (np.sin, np.cos),
    "relu": (lambda x: np.maximum(x, 0.0), lambda x: (x > 0).astype(float)),
}


@dataclass(frozen=True)
class Network:
    r"""$X_{l} = \sigma(\alpha_l\,\mathrm{BN}(W_l X_{l-1}))$, X (d, n): rows are features, columns samples.

    BN divides every row by its root mean square over the n samples (`rows="rms"`, entries of order one, as in
    torch), or by its Euclidean norm (`rows="norm"`, rows of length one, equation 4 of arXiv 2310.02012). Both
    give the same linear network; an activation sees entries sqrt(n) times smaller in the second, and is
    nearly linear there.

    Attributes:
        width: d, features of every layer and of the input.
        samples: n, columns; the batch over which rows are normalised.
        weights: "orthogonal" (Haar) or "gaussian" (N(0, 1/d) entries).
        activation: "linear", "tanh", "sin", "relu", or a pair of functions (sigma, its derivative).
        gain: alpha, one number, or one a layer.
        centred: subtract the mean of every row first (mean reduction, standard batch normalization).
        rows: "rms" or "norm".

    Raises:
        ValueError: a size below 1, centred rows of fewer than 2 samples, an unknown word, or gains that are
            not positive and finite.
    """

    width: int
    samples: int
    weights: Weights = "orthogonal"
    activation: str | tuple[Function, Function] = "linear"
    gain: float | Sequence[float] = 1.0
    centred: bool = False
    rows: Rows = "rms"

    def __post_init__(self) -> None:
        least = 2 if self.centred else 1
        for name, size, low in (("width", self.width, 1), ("samples", self.samples, least)):
            if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < low:
                why = " (a centred row of one sample is zero)" if low == 2 else ""
                raise ValueError(
                    f"isometry.Network: {name} must be an integer of at least {low}{why}; given {size!r}"
                )
        if isinstance(self.activation, str) and self.activation not in ACTIVATIONS:
            raise ValueError(
                f"isometry.Network: activation must be one of {', '.join(ACTIVATIONS)}, or a function with "
                f"its derivative; given {self.activation!r}"
            )
        for name, value, known in (("weights", self.weights, Weights), ("rows", self.rows, Rows)):
            if value not in get_args(known):
                raise ValueError(
                    f"isometry.Network: {name} must be one of {', '.join(get_args(known))}; given {value!r}"
                )
        gains = np.asarray(self.gain, dtype=float)
        if gains.ndim > 1 or not gains.size or not (np.isfinite(gains) & (gains > 0)).all():
            raise ValueError(
                "isometry.Network: gain must be a positive finite number, or one a layer; given "
                f"{self.gain!r}"
            )

    @property
    def full_rank(self) -> int:
        """Rank m that a representation can have: min(d, n), or min(d, n - 1) with centred rows."""
        return min(self.width, self.samples - self.centred)

    @property
    def is_linear(self) -> bool:
        """Whether a layer is a matrix followed by a division of rows."""
        return self.activation == "linear"

    def gains(self, depth: int) -> np.ndarray:
        """Return the gain of each layer (depth,); ValueError if another number of gains was given."""
        gains = np.asarray(self.gain, dtype=float)
        if gains.ndim and len(gains) != depth:
            raise ValueError(
                f"isometry.Network: gain must hold one number a layer ({depth}); given {len(gains)}"
            )
        return np.broadcast_to(gains, (depth,))

    def layer(
        self, generators: Sequence[np.random.Generator], representations: np.ndarray, gain: float
    ) -> "Layer":
        """Draw the weights of one layer a generator, and apply it to X (seeds, d, n)."""
        weights = draw(self.weights, generators, self.width)
        rows = weights @ representations
        if self.centred:
            rows = rows - rows.mean(-1, keepdims=True)
        squares = (rows**2).sum(-1, keepdims=True)
        scale = np.sqrt((self.samples if self.rows == "rms" else 1.0) / squares)
        function, derivative = (
            ACTIVATIONS[self.activation] if isinstance(self.activation, str) else self.activation
        )
        inner = gain * scale * rows
        return Layer(
            weights,
            representations,
            rows / np.sqrt(squares),
            gain * scale * (1.0 if self.is_linear else derivative(inner)),
            squares[..., 0],
            function(inner),
            self.centred,
        )


@dataclass(frozen=True)
class Layer:
    """One layer at one input, for every seed: what its derivatives in both directions need.

    Attributes:
        weights: W (seeds, d, d).
        inputs: X before the layer (seeds, d, n).
        directions: rows of W X (centred where the network is), divided by their norms (seeds, d, n).
        slopes: derivative of the activation times gain and normalization (seeds, d, n) or (seeds, d, 1).
        squares: squared norms of the rows of W X (seeds, d).
        outputs: X after the layer (seeds, d, n).
    """

    weights: np.ndarray
    inputs: np.ndarray
    directions: np.ndarray
    slopes: np.ndarray
    squares: np.ndarray
    outputs: np.ndarray
    centred: bool

    @property
    def log_row_norms(self) -> np.ndarray:
        """Logarithms of q_j, the squared row norms of W X divided by their mean (seeds, d)."""
        return np.asarray(np.log(self.squares) - np.log(self.squares.mean(-1, keepdims=True)))

    def push(self, tangents: np.ndarray) -> np.ndarray:
        """Return the change of the outputs for a change of the inputs (seeds, ..., d, n)."""
        moved = _like(self.weights, tangents) @ tangents
        if self.centred:
            moved = moved - moved.mean(-1, keepdims=True)
        return _like(self.slopes, moved) * _across(moved, _like(self.directions, moved))

    def pull(self, gradients: np.ndarray) -> np.ndarray:
        """Return the gradient in W X for a gradient in the outputs (seeds, d, n)."""
        pulled = _across(self.slopes * gradients, self.directions)
        return pulled - pulled.mean(-1, keepdims=True) if self.centred else pulled


def _across(rows: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Take away from every row its part along the direction: the projection (I - y y^T)."""
    return rows - directions * (rows * directions).sum(-1, keepdims=True)


def _like(array: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Insert axes after the first, so that an array a seed meets several tangents a seed."""
    return array.reshape(len(array), *[1] * (other.ndim - array.ndim), *array.shape[1:])
