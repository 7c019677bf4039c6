"""Hold one exact two-layer linear network f = c X E V^T: its loss, gradient, Gram matrix and curvatures."""

from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr, ImmutableMatrix, Rational, eye, kronecker_product, sqrt, zeros

from scalewright.theory.landscape.matrices import block_diagonal, exact, refuse_float


@dataclass(frozen=True)
class TwoLayer:
    """A two-layer linear network on data, in exact arithmetic.

    f = c X E V^T with X (P x D), E (D x N), V (K x N); loss = 1/(2P) sum over samples and outputs of (f -
    y)^2. The entries may be numbers or symbols; a float raises TypeError. Hidden units are the columns of Z =
    [E; V] ((D + K) x N); the parameters are ordered row after row of Z. `rates` = (eta_1, eta_2) / eta_base
    are the learning rates of E and V over the base rate. Every curvature matrix is rescaled by them:
    Lambda^1/2 H Lambda^1/2.
    """

    inputs: Any
    targets: Any
    first: Any
    second: Any
    scale: Any = 1
    rates: tuple[Any, Any] = (1, 1)

    def __post_init__(self) -> None:
        for name in ("inputs", "targets", "first", "second"):
            object.__setattr__(self, name, exact(getattr(self, name), name=name, function="TwoLayer"))
        object.__setattr__(self, "scale", refuse_float(self.scale, name="scale", function="TwoLayer"))
        rates = tuple(refuse_float(rate, name="rates", function="TwoLayer") for rate in self.rates)
        object.__setattr__(self, "rates", rates)
        self._check_shapes()

    def _check_shapes(self) -> None:
        x, y, e, v = self.inputs, self.targets, self.first, self.second
        if (
            x.rows != y.rows
            or x.cols != e.rows
            or y.cols != v.rows
            or e.cols != v.cols
            or len(self.rates) != 2
        ):
            raise ValueError(
                "TwoLayer: accepted are inputs (P, D), targets (P, K), first (D, N), second (K, N) and two "
                f"rates; given inputs {x.shape}, targets {y.shape}, first {e.shape}, second {v.shape} and "
                f"{len(self.rates)} rates"
            )

    @property
    def width(self) -> int:
        """N, the number of hidden units."""
        return int(self.first.cols)

    @property
    def outputs(self) -> ImmutableMatrix:
        """f = c X E V^T (P x K)."""
        return self.scale * self.inputs * self.first * self.second.T

    @property
    def loss(self) -> Expr:
        """1/(2P) sum of (f - y)^2."""
        return sum(entry**2 for entry in self.outputs - self.targets) / (2 * self.inputs.rows)

    @property
    def covariance(self) -> ImmutableMatrix:
        """Sigma = X^T X / P (D x D)."""
        return self.inputs.T * self.inputs / self.inputs.rows

    @property
    def residual(self) -> ImmutableMatrix:
        """Q_r = X^T (f - Y) / P (D x K)."""
        return self.inputs.T * (self.outputs - self.targets) / self.inputs.rows

    @property
    def units(self) -> ImmutableMatrix:
        """Z = [E; V] ((D + K) x N): one column a hidden unit."""
        return self.first.col_join(self.second)

    @property
    def gram(self) -> ImmutableMatrix:
        """M = Z Z^T / N ((D + K) x (D + K))."""
        return self.units * self.units.T / self.width

    @property
    def gradient(self) -> ImmutableMatrix:
        """Gradient of the loss in Z: c Q Z, of the shape of Z."""
        return self.scale * swap(self.residual) * self.units

    def step(self, rate: Any) -> "TwoLayer":
        """Return the network after one step of gradient descent at base rate `rate`."""
        rate = refuse_float(rate, name="rate", function="TwoLayer.step")
        units = self.units - rate * rate_matrix(self.residual.shape, self.rates) * self.gradient
        inputs = self.first.rows
        return replace(self, first=units[:inputs, :], second=units[inputs:, :])

    def jacobian(self) -> ImmutableMatrix:
        """J Lambda^1/2 (PK x (D+K)N), samples before outputs in the rows: G = J^T J / P and NTK = J J^T."""
        features, k = self.inputs * self.first, self.second.rows
        first = kronecker_product(self.inputs, self.second)
        second = zeros(0, k * self.width)
        for sample in range(self.inputs.rows):
            second = second.col_join(kronecker_product(eye(k), features[sample, :]))
        one, two = (sqrt(rate) for rate in self.rates)
        return ImmutableMatrix(self.scale * (one * first).row_join(two * second))

    def gauss_newton(self) -> ImmutableMatrix:
        """G = J^T J / P."""
        jacobian = self.jacobian()
        return jacobian.T * jacobian / self.inputs.rows

    def residual_hessian(self) -> ImmutableMatrix:
        """R = c sqrt(eta_1 eta_2) / eta_base [[0, Q_r], [Q_r^T, 0]] (x) I_N."""
        one, two = self.rates
        return ImmutableMatrix(
            self.scale * sqrt(one * two) * kronecker_product(swap(self.residual), eye(self.width))
        )

    def hessian(self) -> ImmutableMatrix:
        """H = G + R, of size (D + K) N."""
        return self.gauss_newton() + self.residual_hessian()

    def ntk(self) -> ImmutableMatrix:
        """Theta = c^2 N [eta_1 X X^T (x) v + eta_2 X A X^T (x) I_K] / eta_base, M = [[A, m], [m^T, v]]."""
        x, (one, two), width = self.inputs, self.rates, self.width
        a, v = self.first * self.first.T / width, self.second * self.second.T / width
        theta = one * kronecker_product(x * x.T, v) + two * kronecker_product(x * a * x.T, eye(v.rows))
        return ImmutableMatrix(self.scale**2 * width * theta)


def swap(block: ImmutableMatrix) -> ImmutableMatrix:
    """Return the symmetric matrix [[0, B], [B^T, 0]] of a D x K block B."""
    rows, columns = block.shape
    top = zeros(rows, rows).row_join(block)
    return ImmutableMatrix(top.col_join(block.T.row_join(zeros(columns, columns))))


def rate_matrix(shape: tuple[int, int], rates: tuple[Any, Any], power: Any = 1) -> ImmutableMatrix:
    """Return Lambda^power = diag(rate_1 I_D, rate_2 I_K)^power for `shape` = (D, K)."""
    power = Rational(power)
    return block_diagonal(rates[0] ** power * eye(shape[0]), rates[1] ** power * eye(shape[1]))
