"""Derive the theorems on two-layer linear networks with K outputs and a learning rate for each layer."""

from functools import cache
from typing import Any

from sympy import Determinant, Identity, KroneckerProduct, MatrixSymbol, Symbol, Trace, ZeroMatrix, sqrt
from sympy.matrices.expressions.blockmatrix import BlockMatrix

from scalewright.theory.landscape.derivation import Derivation, definition, identity
from scalewright.theory.landscape.symbols import (
    D_E,
    D_V,
    INPUTS,
    OUTPUTS,
    Q_R,
    RATE_1,
    RATE_2,
    SAMPLES,
    SCALE,
    SIGMA,
    WIDTH,
    E,
    V,
    X,
    Y,
    diagonal,
    stack,
    swap_symbol,
)

_N, _C = WIDTH, SCALE
_SIZES = ((INPUTS, 3), (OUTPUTS, 2), (WIDTH, 4), (SAMPLES, 3))
_Z, _DZ, _Q, _LAMBDA = stack(E, V), stack(D_E, D_V), swap_symbol(Q_R), diagonal(RATE_1, RATE_2)
_A, _M, _V = E * E.T / _N, E * V.T / _N, V * V.T / _N
_GRAM = _Z * _Z.T / _N
_EYE = diagonal(1, 1)
_DATA = ((SIGMA, X.T * X / SAMPLES), (Q_R, X.T * (_C * X * E * V.T - Y) / SAMPLES))


def _loss(first: Any, second: Any) -> Any:
    error = _C * X * first * second.T - Y
    return Trace(error.T * error) / (2 * SAMPLES)


def _gram_symbol() -> MatrixSymbol:
    return MatrixSymbol("M", INPUTS + OUTPUTS, INPUTS + OUTPUTS)


@cache
def closure() -> Derivation:
    """Derive the gradient, and that gradient descent and flow close on the Gram matrix M = Z Z^T / N.

        M' = (I - c Lambda Q) M (I - c Lambda Q)^T,
        Q = [[0, Q_r], [Q_r^T, 0]],   Q_r = c N Sigma M_EV - X^T Y / P.

    The result is the flow, dM/dt = -c (Lambda Q M + M Q Lambda) in time t = steps.
    """
    change, time = _EYE - _C * _LAMBDA * _Q, Symbol("h", positive=True)
    first = _C * Trace(Q_R.T * (D_E * V.T + E * D_V.T))
    second = _curvature() / 2 + _remainder()
    m_new = (E - RATE_1 * _C * Q_R * V) * (V - RATE_2 * _C * Q_R.T * E).T / _N
    steps = (
        identity(
            "The loss is a polynomial in the weights; these are its terms of first and of higher order.",
            _loss(E + D_E, V + D_V),
            _loss(E, V) + first + second,
            "f - Y is quadratic in (E, V): expand.",
        ),
        identity(
            "The term of first order is the inner product with the gradient c Q Z.",
            first,
            Trace((_C * _Q * _Z).T * _DZ),
            "Q swaps the two blocks, and the trace is cyclic.",
        ),
        definition(
            "One step of gradient descent, with its own rate for each layer.",
            MatrixSymbol("Z'", INPUTS + OUTPUTS, WIDTH),
            change * _Z,
            "Lambda = diag(eta_1 I_D, eta_2 I_K).",
        ),
        identity(
            "The Gram matrix after the step is a function of the Gram matrix before it and of Q.",
            change * _Z * (change * _Z).T / _N,
            change * _GRAM * change.T,
            "The left factor does not see the units.",
        ),
        identity(
            "Q is a function of the Gram matrix: the state closes, at every width.",
            Q_R,
            _N * _C * SIGMA * _M - X.T * Y / SAMPLES,
            "f = c N X M_EV.",
        ),
        identity(
            "The off-diagonal block, written out.",
            m_new,
            _M - _C * (RATE_1 * Q_R * _V + RATE_2 * _A * Q_R) + _C**2 * RATE_1 * RATE_2 * Q_R * _M.T * Q_R,
            "Multiply out E' V'^T / N.",
        ),
        identity(
            "A step of length h: a term of first and one of second order.",
            (_EYE - time * _C * _LAMBDA * _Q) * _GRAM * (_EYE - time * _C * _LAMBDA * _Q).T,
            _GRAM
            - time * _C * (_LAMBDA * _Q * _GRAM + _GRAM * _Q * _LAMBDA)
            + time**2 * _C**2 * _LAMBDA * _Q * _GRAM * _Q * _LAMBDA,
            "Multiply out.",
        ),
        definition(
            "So the flow, in time t = steps, closes too.",
            MatrixSymbol("dM/dt", INPUTS + OUTPUTS, INPUTS + OUTPUTS),
            -_C * (_LAMBDA * _Q * _gram_symbol() + _gram_symbol() * _Q * _LAMBDA),
            "Take h to 0.",
        ),
    )
    return Derivation("Closure on the Gram matrix", steps, _DATA, _SIZES)


def _curvature() -> Any:
    """Second derivative along dZ: 2 c tr(Q_r^T dE dV^T) + c^2 tr(T^T Sigma T), T = dE V^T + E dV^T."""
    tangent = D_E * V.T + E * D_V.T
    return 2 * _C * Trace(Q_R.T * D_E * D_V.T) + _C**2 * Trace(tangent.T * SIGMA * tangent)


def _remainder() -> Any:
    """Terms of third and fourth order of the loss."""
    tangent, product = D_E * V.T + E * D_V.T, D_E * D_V.T
    return _C**2 * (Trace(tangent.T * SIGMA * product) + Trace(product.T * SIGMA * product) / 2)


@cache
def balancedness() -> Derivation:
    """Derive what the flow conserves: eta_2 E^T E - eta_1 V^T V, and the spectrum of J M.

    Here J = diag(eta_2 I_D, -eta_1 I_K). The second follows from the Lax equation d(JM)/dt = c [Q Lambda, J
    M]. The result is the determinant law of gradient descent, det M' = det(I_K - c^2 eta_1 eta_2 Q_r^T Q_r)^2
    det M: the flow conserves det M, a step shrinks it.
    """
    j = diagonal(RATE_2, -RATE_1)
    de, dv = -RATE_1 * _C * Q_R * V, -RATE_2 * _C * Q_R.T * E
    change = _EYE - _C * _LAMBDA * _Q
    balance = RATE_2 * E.T * E - RATE_1 * V.T * V
    stepped = RATE_2 * (E + de).T * (E + de) - RATE_1 * (V + dv).T * (V + dv)
    defect = RATE_1 * V.T * Q_R.T * Q_R * V - RATE_2 * E.T * Q_R * Q_R.T * E
    lax = -_C * j * (_LAMBDA * _Q * _GRAM + _GRAM * _Q * _LAMBDA)
    steps = (
        identity(
            "Along the flow the two cross terms cancel: eta_2 E^T E - eta_1 V^T V (N x N) is conserved.",
            RATE_2 * (de.T * E + E.T * de) - RATE_1 * (dv.T * V + V.T * dv),
            ZeroMatrix(WIDTH, WIDTH),
            "The weights are the rates of the other layer.",
        ),
        identity(
            "One step of gradient descent breaks it, at second order in the rates.",
            stepped,
            balance + _C**2 * RATE_1 * RATE_2 * defect,
            "Only the squares of the updates are left.",
        ),
        identity(
            "J Lambda = eta_1 eta_2 diag(I_D, -I_K) anticommutes with Q.",
            j * _LAMBDA * _Q,
            -(_Q * _LAMBDA * j),
            "Q only has off-diagonal blocks.",
        ),
        identity(
            "Hence J M obeys a Lax equation: its spectrum is conserved, and with it tr((J M)^k) for every k.",
            lax,
            _C * (_Q * _LAMBDA * j * _GRAM - j * _GRAM * _Q * _LAMBDA),
            "Put the previous step in.",
        ),
        identity(
            "The determinant of one step.",
            Determinant(change),
            Determinant(Identity(OUTPUTS) - _C**2 * RATE_1 * RATE_2 * Q_R.T * Q_R),
            "Schur complement of the D x D block, which is the identity.",
        ),
        identity(
            "Determinant law of gradient descent.",
            Determinant(change * _GRAM * change.T),
            Determinant(Identity(OUTPUTS) - _C**2 * RATE_1 * RATE_2 * Q_R.T * Q_R) ** 2 * Determinant(_GRAM),
            "det(B M B^T) = det(B)^2 det(M).",
        ),
    )
    return Derivation(
        "Conserved quantities", steps, (), ((INPUTS, 2), (OUTPUTS, 2), (WIDTH, 4), (SAMPLES, 2))
    )


@cache
def spectra() -> Derivation:
    """Derive the Gauss-Newton matrix, the residual matrix and the NTK, rescaled by the learning rates.

    The result is the nonzero spectrum of G: that of c^2 N (Sigma (x) I_K)(eta_2 A (x) I_K + eta_1 I_D (x) v),
    over eta_base; for whitened inputs the Kronecker sum, with eigenvalues c^2 N (eta_2 alpha_i + eta_1 nu_j)
    / eta_base.
    """
    z, eye_k, eye_d = Symbol("z"), Identity(OUTPUTS), Identity(INPUTS)
    first, second = KroneckerProduct(X, V), KroneckerProduct(X * E, eye_k)
    spread = KroneckerProduct(X, eye_k)
    a, v = MatrixSymbol("A", INPUTS, INPUTS), MatrixSymbol("v", OUTPUTS, OUTPUTS)
    kernel = RATE_1 * KroneckerProduct(eye_d, v) + RATE_2 * KroneckerProduct(a, eye_k)
    kernels = RATE_1 * KroneckerProduct(X * X.T, v) + RATE_2 * KroneckerProduct(X * a * X.T, eye_k)
    root, q_k = diagonal(sqrt(RATE_1), sqrt(RATE_2)), swap_symbol(Q_R)
    tangent = D_E * V.T + E * D_V.T
    steps = (
        identity(
            "The second derivative of the loss splits into a residual and a Gauss-Newton part.",
            _curvature(),
            Trace(_DZ.T * _C * q_k * _DZ) + _C**2 * Trace((X * tangent).T * X * tangent) / SAMPLES,
            "R acts as dZ -> c Q dZ, that is c Q (x) I_N; G is a sum of squares.",
        ),
        identity(
            "Learning rates multiply the residual part by their geometric mean.",
            root * q_k * root,
            sqrt(RATE_1 * RATE_2) * q_k,
            "Q couples the two layers only to each other.",
        ),
        identity(
            "Its eigenvalues are +- c sigma_i(Q_r), each N-fold, and 0.",
            z**OUTPUTS * Determinant(z * _EYE - q_k),
            z**INPUTS * Determinant(z**2 * eye_k - Q_R.T * Q_R),
            "Schur complement; the singular values of Q_r are the roots of the right-hand side.",
        ),
        identity(
            "The NTK is the sum of the two layers' kernels.",
            _C**2 * (RATE_1 * first * first.T + RATE_2 * second * second.T),
            _C**2 * _N * kernels,
            "Jacobians c X (x) V and c X E (x) I_K.",
        ),
        identity(
            "It is a Kronecker sum between two copies of the data.",
            kernels,
            spread * kernel * spread.T,
            "Mixed-product rule.",
        ),
        identity(
            "The nonzero spectrum of G = J^T J / P, through that of J J^T / P.",
            Determinant(
                KroneckerProduct(Identity(SAMPLES), eye_k) - z * spread * kernel * spread.T / SAMPLES
            ),
            Determinant(KroneckerProduct(eye_d, eye_k) - z * KroneckerProduct(SIGMA, eye_k) * kernel),
            "det(I - S B) = det(I - B S), and X^T X / P = Sigma.",
        ),
    )
    sizes = ((INPUTS, 2), (OUTPUTS, 2), (WIDTH, 3), (SAMPLES, 3))
    blocks = ((a, _A), (v, _V))
    return Derivation("Gauss-Newton, residual and tangent kernel", steps, (*_DATA, *blocks), sizes)


@cache
def lifting() -> Derivation:
    """Derive that dZ = F Z is invariant under the Hessian, symmetric as dZ = Y U, and what stands outside it.

    The result is the padding identity, which carries the statement to widths below D + K: a unit without
    weights adds copies of c Q to the Hessian and nothing else.
    """
    size = INPUTS + OUTPUTS
    f_d, f_k = MatrixSymbol("F_D", INPUTS, size), MatrixSymbol("F_K", OUTPUTS, size)
    y_d, y_k = MatrixSymbol("Y_D", INPUTS, size), MatrixSymbol("Y_K", OUTPUTS, size)
    x_d, x_k = MatrixSymbol("X_D", INPUTS, size), MatrixSymbol("X_K", OUTPUTS, size)
    c_d, c_k = MatrixSymbol("C_D", INPUTS, size), MatrixSymbol("C_K", OUTPUTS, size)
    extra = MatrixSymbol("W", size, 2)
    change = f_d * _Z * V.T + E * (f_k * _Z).T

    def tangent(d: Any, k: Any) -> Any:
        return d * c_k.T + c_d * k.T

    def operator(d: Any, k: Any) -> Any:
        return _C * (swap_symbol(_C * SIGMA * tangent(d, k)) * stack(c_d, c_k) + _Q * stack(d, k))

    steps = (
        identity(
            "The Hessian maps dZ to c (dQ Z + Q dZ), with dQ_r = c Sigma (dE V^T + E dV^T).",
            _curvature(),
            Trace(_DZ.T * _hessian(D_E, D_V, E, V)),
            "Its quadratic form is the second derivative.",
        ),
        identity(
            "On dZ = F Z the change of Q depends on the Gram matrix only.",
            change,
            f_d * _GRAM * _columns() * _N + _N * _rows() * _GRAM * f_k.T,
            "Z Z^T = N M.",
        ),
        identity(
            "So H (F Z) = F' Z with F' = c (dQ + Q F): an invariant space of dimension (D + K)^2.",
            _hessian(f_d * _Z, f_k * _Z, E, V),
            _C * (swap_symbol(_C * SIGMA * change) + _Q * stack(f_d, f_k)) * _Z,
            "Z factors out on the right.",
        ),
        identity(
            "With Z = C U, U U^T = I, and dZ = Y U, the operator is symmetric under the Frobenius product.",
            Trace(stack(x_d, x_k).T * operator(y_d, y_k)),
            _C * (Trace(x_d.T * Q_R * y_k) + Trace(x_k.T * Q_R.T * y_d))
            + _C**2 * Trace(tangent(x_d, x_k).T * SIGMA * tangent(y_d, y_k)),
            "Exchange X and Y on the right: nothing changes, because Sigma is symmetric.",
        ),
        identity(
            "Padding the network with units without weights leaves the Gram matrix as it is.",
            BlockMatrix([[_Z, ZeroMatrix(size, 2)]]) * BlockMatrix([[_Z, ZeroMatrix(size, 2)]]).T,
            _Z * _Z.T,
            "The new columns are zero.",
        ),
        identity(
            "Its Hessian is the old one, beside a copy of c Q for every new unit.",
            _padded(extra),
            BlockMatrix([[_hessian(D_E, D_V, E, V), _C * _Q * extra]]),
            "dQ does not see the new units, whose own weights are zero.",
        ),
    )
    definitions = ((SIGMA, X.T * X / SAMPLES),)
    return Derivation(
        "The lifted Hessian", steps, definitions, ((INPUTS, 3), (OUTPUTS, 2), (WIDTH, 3), (SAMPLES, 2))
    )


def _hessian(de: Any, dv: Any, e: Any, v: Any) -> Any:
    """H applied to [dE; dV] at the weights [E; V]."""
    return _C * (swap_symbol(_C * SIGMA * (de * v.T + e * dv.T)) * stack(e, v) + _Q * stack(de, dv))


def _rows() -> Any:
    """Projector [I_D, 0] on the input block."""
    return BlockMatrix([[Identity(INPUTS), ZeroMatrix(INPUTS, OUTPUTS)]])


def _columns() -> Any:
    """Injection [0; I_K] of the output block."""
    return BlockMatrix([[ZeroMatrix(INPUTS, OUTPUTS)], [Identity(OUTPUTS)]])


def _padded(extra: MatrixSymbol) -> Any:
    """H of the network with two more units of zero weights, applied to [dZ, extra]."""
    top, bottom = _rows() * extra, _columns().T * extra
    zero_d, zero_k = ZeroMatrix(INPUTS, 2), ZeroMatrix(OUTPUTS, 2)
    de, dv = BlockMatrix([[D_E, top]]), BlockMatrix([[D_V, bottom]])
    return _hessian(de, dv, BlockMatrix([[E, zero_d]]), BlockMatrix([[V, zero_k]]))


@cache
def width_limit() -> Derivation:
    """Derive which scalings of c and the rates have an infinite-width limit, and how far features move.

    Put c N = chi N^kappa, eta_i c = eps_i N^-kappa and M_EV = N^-kappa m (zeta = N^-kappa below). The state
    (A, v, m) then has a limit for every 0 <= kappa <= 1/2: A and v move by zeta^2 = N^(-2 kappa), the network
    by order one. muP is kappa = 0, the NTK parametrization kappa = 1/2. The result is the step of m.
    """
    zeta, chi = Symbol("zeta", positive=True), Symbol("chi", positive=True)
    one, two = Symbol("epsilon_1", positive=True), Symbol("epsilon_2", positive=True)
    a, v = MatrixSymbol("A", INPUTS, INPUTS), MatrixSymbol("v", OUTPUTS, OUTPUTS)
    m = MatrixSymbol("m", INPUTS, OUTPUTS)
    change = _EYE - zeta * diagonal(one, two) * _Q
    after = change * BlockMatrix([[a, zeta * m], [zeta * m.T, v]]) * change.T
    steps = (
        identity(
            "The network does not see the width: X^T f / P = chi Sigma m.",
            (chi / zeta) * SIGMA * (zeta * m),
            chi * SIGMA * m,
            "c N M_EV, with c N = chi / zeta.",
        ),
        identity(
            "The features of the first layer move by zeta^2 = N^(-2 kappa).",
            _rows() * after * _rows().T,
            a - zeta**2 * (one * (Q_R * m.T + m * Q_R.T) - one**2 * Q_R * v * Q_R.T),
            "Top left block of (I - zeta eps Q) M (I - zeta eps Q)^T.",
        ),
        identity(
            "So does the readout.",
            _columns().T * after * _columns(),
            v - zeta**2 * (two * (Q_R.T * m + m.T * Q_R) - two**2 * Q_R.T * a * Q_R),
            "Bottom right block.",
        ),
        identity(
            "The network moves by order one at every kappa.",
            _rows() * after * _columns() / zeta,
            m - (one * Q_R * v + two * a * Q_R) + zeta**2 * one * two * Q_R * m.T * Q_R,
            "Off-diagonal block over zeta; at kappa > 0 the limit is linear in m: the kernel is frozen.",
        ),
    )
    return Derivation("Infinite width", steps, ((SIGMA, X.T * X / SAMPLES),), _SIZES)
