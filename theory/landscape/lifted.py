"""Fold the Hessian of a two-layer linear network of any width onto a matrix that does not grow with it.

Directions dZ = F Z, with F of size (D+K) x (D+K), are invariant under the Hessian; what is left over is a
bulk of known eigenvalues. See docs/concepts/linear-networks.md for the proofs.
"""

from collections.abc import Callable
from typing import Any

from sympy import Expr, ImmutableMatrix, Rational, Symbol, sqrt, zeros

from scalewright.theory.landscape.matrices import exact, refuse_float
from scalewright.theory.landscape.two_layer import rate_matrix, swap


def lifted_operator(
    gram: Any, residual: Any, covariance: Any, *, scale: Any, width: Any, rates: tuple[Any, Any] = (1, 1)
) -> ImmutableMatrix:
    """Return the Hessian on the directions dZ = F Z, as a matrix of size (D+K)^2 on F, row by row.

        F  ->  c Lambda (dQ + Q F),    dQ_r = c N Sigma (F_D M_V + M_E F_K^T),

    M_V the last K columns and M_E the first D rows of the Gram matrix M, F_D and F_K the first D and last K
    rows of F. It needs no square root, so rational data give rational entries; it is not symmetric, but it
    has the spectrum of `lifted_hessian`. `width` may be a symbol or any size: the cost is (D+K)^4 products
    whatever the width.
    """
    gram, residual, covariance = _data(gram, residual, covariance, function="lifted_operator")
    scale, inputs = refuse_float(scale, name="scale", function="lifted_operator"), residual.rows
    weights, q = rate_matrix(residual.shape, rates), swap(residual)

    def apply(f: ImmutableMatrix) -> ImmutableMatrix:
        change = f[:inputs, :] * gram[:, inputs:] + gram[:inputs, :] * f[inputs:, :].T
        return scale * weights * (swap(scale * width * covariance * change) + q * f)

    return _matrix_of(apply, gram.rows)


def lifted_hessian(
    factor: Any, residual: Any, covariance: Any, *, scale: Any, rates: tuple[Any, Any] = (1, 1)
) -> ImmutableMatrix:
    """Return the same operator in the coordinates dZ = Y U, where it is symmetric.

        Y  ->  c dQ C + c Q Y,    dQ_r = c Sigma (Y_D C_V^T + C_D Y_V^T),

    `factor` is any square C with C C^T = M N; U has orthonormal rows and Z = C U. Learning rates enter by the
    change of gauge c -> c sqrt(eta_1 eta_2) / eta_base, C -> Lambda^-1/2 C.
    """
    factor, residual, covariance = _data(factor, residual, covariance, function="lifted_hessian")
    scale, inputs = refuse_float(scale, name="scale", function="lifted_hessian"), residual.rows
    scale, q = scale * sqrt(rates[0] * rates[1]), swap(residual)
    factor = rate_matrix(residual.shape, rates, Rational(-1, 2)) * factor

    def apply(y: ImmutableMatrix) -> ImmutableMatrix:
        change = y[:inputs, :] * factor[inputs:, :].T + factor[:inputs, :] * y[inputs:, :].T
        return scale * (swap(scale * covariance * change) * factor + q * y)

    return _matrix_of(apply, factor.rows)


def bulk_polynomial(
    residual: Any, variable: Symbol, *, scale: Any, width: int, rates: tuple[Any, Any] = (1, 1)
) -> Expr:
    """Return the polynomial, monic, whose roots are the eigenvalues of H outside the lifted ones.

        det(variable I - c Lambda Q)^(N - D - K):

    +- c sqrt(eta_1 eta_2)/eta_base sigma_i(Q_r) with multiplicity N-(D+K) each, and 0 with multiplicity
    (N-(D+K)) |D-K|. For width < D+K the power is negative: these are then the spurious eigenvalues of the
    lifted operator, which the Hessian does not have. Its largest eigenvalue is right at every width.
    """
    residual = exact(residual, name="residual", function="bulk_polynomial")
    scale = refuse_float(scale, name="scale", function="bulk_polynomial")
    matrix = scale * rate_matrix(residual.shape, rates) * swap(residual)
    return matrix.charpoly(variable).as_expr() ** (width - sum(residual.shape))


def _data(first: Any, residual: Any, covariance: Any, *, function: str) -> tuple[ImmutableMatrix, ...]:
    first = exact(first, name="gram" if function == "lifted_operator" else "factor", function=function)
    residual = exact(residual, name="residual", function=function)
    covariance = exact(covariance, name="covariance", function=function)
    size, inputs = sum(residual.shape), residual.rows
    if first.shape != (size, size) or covariance.shape != (inputs, inputs):
        raise ValueError(
            f"{function}: for a residual of shape (D, K) = {residual.shape} the first argument must be "
            f"{(size, size)} and covariance {(inputs, inputs)}; given {first.shape} and {covariance.shape}"
        )
    return first, residual, covariance


def _matrix_of(apply: Callable[[ImmutableMatrix], ImmutableMatrix], size: int) -> ImmutableMatrix:
    """Return the matrix of a linear map on size x size matrices, their entries taken row by row."""
    columns = []
    for index in range(size * size):
        unit = zeros(size, size)
        unit[index] = 1
        columns.append(list(apply(ImmutableMatrix(unit))))
    return ImmutableMatrix(columns).T
