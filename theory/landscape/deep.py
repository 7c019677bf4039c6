"""Write the curvature of linear networks of any number of layers as Kronecker blocks, exactly."""

from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from sympy import Expr, ImmutableMatrix, Matrix, eye, kronecker_product, sqrt, zeros

from scalewright.theory.landscape.matrices import commutation, exact, refuse_float


@dataclass(frozen=True)
class DeepLinear:
    """A linear network f(x) = c W_L ... W_1 x on data, in exact arithmetic.

    `weights` = (W_1, ..., W_L) with W_l of shape (n_l, n_{l-1}), n_0 = D inputs and n_L = K outputs; `inputs`
    X (P x D) and `targets` Y (P x K); loss = 1/(2P) sum over samples and outputs of (f - y)^2. Entries may be
    numbers or symbols. Parameters are ordered layer by layer, each matrix column after column. `rates` are
    the learning rates of the layers over the base rate: every curvature matrix is Lambda^1/2 (...)
    Lambda^1/2, every NTK J Lambda J^T.

    Write A_l = W_L ... W_{l+1}, B_l = W_{l-1} ... W_1, C_ml = W_{m-1} ... W_{l+1}, and the residual Gamma =
    (f - Y)^T X / P (K x D).
    """

    weights: tuple[Any, ...]
    inputs: Any
    targets: Any
    scale: Any = 1
    rates: tuple[Any, ...] | None = None

    def __post_init__(self) -> None:
        weights = tuple(exact(w, name="weights", function="DeepLinear") for w in self.weights)
        rates = (1,) * len(weights) if self.rates is None else self.rates
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "inputs", exact(self.inputs, name="inputs", function="DeepLinear"))
        object.__setattr__(self, "targets", exact(self.targets, name="targets", function="DeepLinear"))
        object.__setattr__(self, "scale", refuse_float(self.scale, name="scale", function="DeepLinear"))
        object.__setattr__(
            self, "rates", tuple(refuse_float(rate, name="rates", function="DeepLinear") for rate in rates)
        )
        self._check_shapes()

    def _check_shapes(self) -> None:
        ends = [self.inputs.cols, *(w.rows for w in self.weights)]
        chained = all(w.cols == size for w, size in zip(self.weights, ends, strict=False))
        fits = self.weights and self.targets.shape == (self.inputs.rows, ends[-1])
        if not (chained and fits and len(self.rates or ()) == len(self.weights)):
            raise ValueError(
                "DeepLinear: accepted are weights (n_l, n_{l-1}) from n_0 = D to n_L = K, inputs (P, D), "
                f"targets (P, K) and one rate a layer; given weights {[w.shape for w in self.weights]}, "
                f"inputs {self.inputs.shape}, targets {self.targets.shape} and {len(self.rates or ())} rates"
            )

    @property
    def layers(self) -> int:
        """Number of weight layers."""
        return len(self.weights)

    def product(self, start: int, stop: int) -> ImmutableMatrix:
        """Return W_stop ... W_start, layers counted from 1; the identity when stop = start - 1."""
        size = self.weights[start - 1].cols if start <= self.layers else self.targets.cols
        return reduce(
            lambda below, layer: layer * below, self.weights[start - 1 : stop], ImmutableMatrix(eye(size))
        )

    @property
    def residual(self) -> ImmutableMatrix:
        """Gamma = (f - Y)^T X / P (K x D)."""
        error = self.scale * self.inputs * self.product(1, self.layers).T - self.targets
        return error.T * self.inputs / self.inputs.rows

    @property
    def loss(self) -> Expr:
        """1/(2P) sum of (f - y)^2."""
        error = self.scale * self.inputs * self.product(1, self.layers).T - self.targets
        return sum(entry**2 for entry in error) / (2 * self.inputs.rows)

    def gradient(self, layer: int) -> ImmutableMatrix:
        """Return the gradient of the loss in W_layer: c A_l^T Gamma B_l^T."""
        above, below = self._around(layer)
        return self.scale * above.T * self.residual * below.T

    def step(self, rate: Any) -> "DeepLinear":
        """Return the network after one step of gradient descent at base rate `rate`."""
        rate = refuse_float(rate, name="rate", function="DeepLinear.step")
        pairs = enumerate(zip(self.weights, self.rates or (), strict=True), 1)
        return replace(
            self, weights=tuple(w - rate * own * self.gradient(layer) for layer, (w, own) in pairs)
        )

    def _around(self, layer: int) -> tuple[ImmutableMatrix, ImmutableMatrix]:
        return self.product(layer + 1, self.layers), self.product(1, layer - 1)

    def jacobian(self) -> ImmutableMatrix:
        """J Lambda^1/2 (PK x parameters), samples before outputs in the rows: blocks c (X B_l^T) (x) A_l."""
        blocks = []
        for layer, rate in enumerate(self.rates or (), 1):
            above, below = self._around(layer)
            blocks.append(self.scale * sqrt(rate) * Matrix(kronecker_product(self.inputs * below.T, above)))
        return ImmutableMatrix(reduce(lambda left, right: left.row_join(right), blocks))

    def gauss_newton(self) -> ImmutableMatrix:
        """G = J^T J / P: block (l, m) is c^2 (B_l Sigma B_m^T) (x) (A_l^T A_m)."""
        jacobian = self.jacobian()
        return jacobian.T * jacobian / self.inputs.rows

    def residual_hessian(self) -> ImmutableMatrix:
        """R, symmetric with zero diagonal: for l < m, block (m, l) is c T^T [(A_m^T Gamma B_l^T) (x) C_ml].

        T is the commutation matrix, T vec(dW_m) = vec(dW_m^T).
        """
        offsets = [0]
        for w in self.weights:
            offsets.append(offsets[-1] + w.rows * w.cols)
        out = zeros(offsets[-1], offsets[-1])
        for upper in range(2, self.layers + 1):
            for lower in range(1, upper):
                block = self._residual_block(lower, upper)
                out[offsets[upper - 1] : offsets[upper], offsets[lower - 1] : offsets[lower]] = block
                out[offsets[lower - 1] : offsets[lower], offsets[upper - 1] : offsets[upper]] = block.T
        return ImmutableMatrix(out)

    def _residual_block(self, lower: int, upper: int) -> ImmutableMatrix:
        above, below = self.product(upper + 1, self.layers), self.product(1, lower - 1)
        between = self.product(lower + 1, upper - 1)
        rates = self.rates or ()
        weight = self.scale * sqrt(rates[lower - 1] * rates[upper - 1])
        turned = commutation(*self.weights[upper - 1].shape).T
        return weight * turned * kronecker_product(above.T * self.residual * below.T, between)

    def hessian(self) -> ImmutableMatrix:
        """H = G + R."""
        return self.gauss_newton() + self.residual_hessian()

    def ntk(self) -> ImmutableMatrix:
        """Theta = c^2 sum over layers of rate_l (X B_l^T B_l X^T) (x) (A_l A_l^T) (PK x PK)."""
        terms = []
        for layer, rate in enumerate(self.rates or (), 1):
            above, below = self._around(layer)
            gram = self.inputs * below.T * below * self.inputs.T
            terms.append(self.scale**2 * rate * Matrix(kronecker_product(gram, above * above.T)))
        return ImmutableMatrix(reduce(lambda left, right: left + right, terms))
