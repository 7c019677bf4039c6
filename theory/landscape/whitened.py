"""Solve the two-layer linear network with whitened inputs and one output, under muP at infinite width.

Setting: c = 1/(gamma_0 N sqrt(D)), both rates eta_0 gamma_0^2 N, loss 1/(2P) sum (f - y)^2, Sigma = X^T X / P
= I, N(0, 1) weights, N to infinity. Then f = X w with w = s w*/b, b = |w*|, and the strength s of the mode
runs from 0 to b. Time is t = eta_0 * step. All curvatures are rescaled: S = gamma_0^2 N lambda_max(H).
Symbols: D inputs, gamma_0 richness, b target, eta_0 base rate; x = gamma_0^2 D b^2 measures how rich the task
is.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sympy import (
    Eq,
    Expr,
    Function,
    ImmutableMatrix,
    Matrix,
    Max,
    Piecewise,
    Rational,
    Symbol,
    acos,
    cos,
    dsolve,
    expand,
    eye,
    factor,
    factor_list,
    limit,
    simplify,
    sqrt,
    together,
)

from scalewright.theory.landscape.derivation import Derivation, Step, identity
from scalewright.theory.landscape.lifted import lifted_hessian
from scalewright.theory.landscape.matrices import refuse_float
from scalewright.theory.landscape.symbols import BASE_RATE, GAMMA, INPUTS, STRENGTH, TARGET
from scalewright.theory.landscape.two_layer import swap

_A, _MU, _Q = Symbol("a", positive=True), Symbol("mu", real=True), Symbol("q", real=True)
_STEP = BASE_RATE * GAMMA / sqrt(INPUTS)
"""eta c: the step of the Gram matrix."""
_RICH = GAMMA * sqrt(INPUTS)
"""m = _RICH * s: the off-diagonal block E V / N of the Gram matrix, from w = c N m."""


@dataclass(frozen=True)
class Limits:
    """Sharpness at the start and at the end of training, and their ratio."""

    initial: Expr
    final: Expr
    ratio: Expr


@dataclass(frozen=True)
class Catapult:
    """One step of gradient descent: strength s, trace T = A_uu + v, determinant Delta = A_uu v - m^2.

    `strength` and `trace` close by themselves; the edge and the flattening follow from them.
    """

    strength: Expr
    trace: Expr
    determinant: Expr


def _gram(a: Any, perpendicular: Any, v: Any, mu: Any) -> Matrix:
    """M on (u, one direction orthogonal to u, readout)."""
    return Matrix([[a, 0, mu], [0, perpendicular, 0], [mu, 0, v]])


def _swap(q: Any) -> Matrix:
    return Matrix(swap(ImmutableMatrix([q, 0])))


@cache
def _flow() -> Matrix:
    """dM/dt of the symmetric family A_uu = v = a, in t = eta_0 * step: -(eta c / eta_0)(Q M + M Q)."""
    gram, q = _gram(_A, 1, _A, _RICH * STRENGTH), _swap(STRENGTH - TARGET)
    return (-_STEP / BASE_RATE * (q * gram + gram * q)).applyfunc(factor)


@cache
def mode_equation() -> Eq:
    """Return ds/dt = (2/D) a(s) (b - s), with a(s) put in: the whole of training in one equation."""
    strength = _flow()[0, 2] / _RICH
    return Eq(Symbol("ds/dt"), factor(strength.subs(_A, kernel_growth())), evaluate=False)


@cache
def kernel_growth(strength: Any = STRENGTH) -> Expr:
    """Return a(s) = A_uu = v = sqrt(1 + gamma_0^2 D s^2), which solves da/ds from a(0) = 1."""
    s, a = Symbol("s_"), Function("a")
    slope = simplify(_flow()[0, 0] / (_flow()[0, 2] / _RICH)).subs({STRENGTH: s, _A: a(s)})
    solutions = dsolve(Eq(a(s).diff(s), slope), a(s), ics={a(0): 1})
    solution = solutions[-1] if isinstance(solutions, list) else solutions
    return solution.rhs.subs(s, _exact(strength, "kernel_growth"))


def gauss_newton(strength: Any = STRENGTH) -> Expr:
    """Return gamma_0^2 N lambda_max(G) = (A_uu + v)/D = 2 a(s) / D: it only grows."""
    return 2 * kernel_growth(_exact(strength, "gauss_newton")) / INPUTS


def residual(strength: Any = STRENGTH) -> Expr:
    """Return gamma_0^2 N lambda_max(R) = gamma_0 (b - s) / sqrt(D), for 0 <= s <= b: it only shrinks."""
    return GAMMA * (TARGET - _exact(strength, "residual")) / sqrt(INPUTS)


@cache
def _sectors() -> tuple[Matrix, Matrix]:
    """Restrict the lifted Hessian to the two families of directions that G and R both act on.

    Coordinates dZ = Y U with rows (u, orthogonal, readout); in the plane of E_u and V the axes are E_u + V
    and E_u - V. First: (dE_u, dV) along (+, +) and (-, -+). Second: (dE_orth, dV, dE_u) along V, E_orth,
    E_orth.
    """
    plus, minus = sqrt((_A + _MU) / 2), sqrt((_A - _MU) / 2)
    units = Matrix([[plus, minus, 0], [0, 0, 1], [plus, -minus, 0]]) / GAMMA
    operator = lifted_hessian(units, [_Q, 0], eye(2), scale=GAMMA / sqrt(INPUTS))
    root, length = 1 / sqrt(2), sqrt(_A)
    even = [Matrix([[root, 0, 0], [0, 0, 0], [root, 0, 0]]), Matrix([[0, root, 0], [0, 0, 0], [0, -root, 0]])]
    orthogonal = [
        Matrix([[0, 0, 0], [plus / length, -minus / length, 0], [0, 0, 0]]),
        Matrix([[0, 0, 0], [0, 0, 0], [0, 0, 1]]),
        Matrix([[0, 0, 1], [0, 0, 0], [0, 0, 0]]),
    ]
    return _restrict(operator, even), _restrict(operator, orthogonal)


def _restrict(operator: ImmutableMatrix, directions: list[Matrix]) -> Matrix:
    """Matrix elements of `operator` between orthonormal directions (flattened row by row)."""
    frame = Matrix([list(direction) for direction in directions]).T
    return (frame.T * operator * frame).applyfunc(lambda entry: simplify(entry))


def _place(matrix: Matrix, strength: Any) -> Matrix:
    a = kernel_growth(strength)
    return matrix.subs({_MU: _RICH * strength, _Q: strength - TARGET}).subs(_A, a).applyfunc(simplify)


@cache
def mode_sharpness(strength: Any = STRENGTH) -> Expr:
    """Return the top eigenvalue of H among the directions of the mode: the larger root of a 2 x 2 block.

    S_u(s) = sqrt(1/D^2 + gamma_0^2 s^2/D) + sqrt(1/D^2 + gamma_0^2 (2s - b)^2/D).
    """
    strength = _exact(strength, "mode_sharpness")
    block = _sectors()[0]
    half = (block.trace() / 2).subs(_A, kernel_growth(strength))
    gap = half**2 - _place(Matrix([[block.det()]]), strength)[0]
    return sqrt(expand(half**2)) + sqrt(factor(expand(simplify(gap)), deep=True))


def orthogonal_matrix(strength: Any = STRENGTH) -> ImmutableMatrix:
    """Return the symmetric 3 x 3 block of H that each of the D - 1 orthogonal input directions has.

    It couples dE_orth along V, dV along E_orth, and dE_u along E_orth; the last through the residual.
    """
    return ImmutableMatrix(_place(_sectors()[1], _exact(strength, "orthogonal_matrix")))


def orthogonal_sharpness(strength: Any = STRENGTH) -> Expr:
    """Return the top eigenvalue of `orthogonal_matrix`: the largest root of a cubic with three real roots.

    t/3 + 2 sqrt(p/3) cos(acos((3 r / (2 p)) sqrt(3 / p)) / 3),  for  x^3 - p x - r  after the shift by t/3.
    """
    block, variable = orthogonal_matrix(strength), Symbol("z")
    shift = block.trace() / 3
    depressed = expand(block.charpoly(variable).as_expr().subs(variable, variable + shift))
    p, r = -depressed.coeff(variable, 1), -depressed.coeff(variable, 0)
    return shift + 2 * sqrt(p / 3) * cos(acos(3 * r / (2 * p) * sqrt(3 / p)) / 3)


def sharpness(strength: Any = STRENGTH) -> Expr:
    """Return S(s) = max(S_u, S_orth), for D >= 2.

    For D = 1 there is no orthogonal direction: use `mode_sharpness`. S_orth wins only in the middle of
    training, near s = b/2, by up to 18.8 % (at x = 62, s = 0.46 b); at s = 0 and s = b, S = S_u.
    """
    strength = _exact(strength, "sharpness")
    return Max(mode_sharpness(strength), orthogonal_sharpness(strength), evaluate=False)


@cache
def limits() -> Limits:
    """Return S at s = 0 and at s = b, and their ratio, which is less than 2 (G alone grows without bound).

    S(0) = 1/D + sqrt(1/D^2 + gamma_0^2 b^2/D),   S(inf) = 2 sqrt(1/D^2 + gamma_0^2 b^2/D).
    """
    initial, final = (limit(mode_sharpness(), STRENGTH, at) for at in (0, TARGET))
    return Limits(initial, simplify(final), simplify(final / initial))


@cache
def dip() -> Expr:
    """Return dS/ds at s = 0, which is negative: the sharpness falls before it rises, since R decays first."""
    return simplify(mode_sharpness().diff(STRENGTH).subs(STRENGTH, 0))


@cache
def edge_of_stability() -> Expr:
    """Return the base rate 2/S(inf) below which the end point of the flow is stable; no width enters."""
    return together(2 / limits().final)


@cache
def catapult_map() -> Catapult:
    """Return one step of gradient descent, from M' = (I - eta c Q) M (I - eta c Q) on (u, readout).

        s' = s - (eta_0/D) (s - b) T + (eta_0^2 gamma_0^2/D) (s - b)^2 s
        T' = T - 4 eta_0 gamma_0^2 (s - b) s + (eta_0^2 gamma_0^2/D) (s - b)^2 T.

    With D = 1 it is the catapult map of Lewkowycz et al. (2003.02218) at "width" 1/gamma_0^2. The determinant
    shrinks by (1 - (eta_0 gamma_0)^2 (s - b)^2 / D)^2, which is how a catapult flattens the minimum it ends
    in.
    """
    v, trace, det = Symbol("v"), Symbol("T"), Symbol("Delta")
    change = eye(2) - _STEP * Matrix([[0, 1], [1, 0]]) * _Q
    gram = Matrix([[trace - v, _RICH * STRENGTH], [_RICH * STRENGTH, v]])
    after = change * gram * change.T
    strength, trace_next = expand(after[0, 1] / _RICH), expand(after.trace())
    return Catapult(
        *(entry.subs(_Q, STRENGTH - TARGET) for entry in (strength, trace_next, change.det() ** 2 * det))
    )


@cache
def flattest_interpolator(*, symmetric: bool = True) -> Expr:
    """Return the least sharpness of a network that fits the target (gradient descent keeps A_orth = 1).

    At s = b, H = G and S = max(A_uu + v, 1 + v)/D with A_uu v >= m^2 = x := gamma_0^2 D b^2 (Cauchy-Schwarz).
    `symmetric` (A_uu = v, which gradient descent keeps at infinite width): v = sqrt(x), hence max(2 sqrt(x),
    1 + sqrt(x))/D. Otherwise v = x and A_uu = 1 is flatter for x < 1: (1 + x)/D.
    """
    least = GAMMA * sqrt(INPUTS) * TARGET
    small = 1 + least if symmetric else 1 + least**2
    return Piecewise((2 * least / INPUTS, least >= 1), (small / INPUTS, True))


@cache
def derivation() -> Derivation:
    """Derive the closed form from the Gram flow and the lifted Hessian; the result is S_u(s)."""
    flow, (block, orthogonal) = _flow(), _sectors()
    z, s = Symbol("z"), STRENGTH
    a2 = 1 + GAMMA**2 * INPUTS * s**2
    scaled = GAMMA * _Q / sqrt(INPUTS)
    cubic = z**2 * (z - (_A + 1) / INPUTS) - scaled**2 * (z - _A / INPUTS)
    quadratic = z**2 - 2 * _A / INPUTS * z - 2 * scaled * _MU / INPUTS - scaled**2
    mode = (quadratic.subs({_MU: _RICH * s, _Q: s - TARGET})).expand()
    steps = (
        identity(
            "The strength follows one equation; no width enters.",
            flow[0, 2] / _RICH,
            2 * _A * (TARGET - s) / INPUTS,
            "Off-diagonal block of the Gram flow, with A_uu = v = a.",
        ),
        identity(
            "The readout moves as the mode of the first layer does: A_uu = v is kept.",
            flow[0, 0],
            flow[2, 2],
            "Diagonal of the Gram flow.",
        ),
        identity(
            "Orthogonal directions stay at A = 1 and uncoupled.",
            flow[1, 1] ** 2 + flow[0, 1] ** 2 + flow[1, 2] ** 2,
            Rational(0),
            "The residual lies along u.",
        ),
        identity(
            "det M is conserved, a^2 - m^2 = 1.",
            2 * _A * flow[0, 0] - 2 * _RICH * s * flow[0, 2],
            Rational(0),
            "Determinant law of the flow; at the start a = 1 and m = 0.",
        ),
        identity("Hence a(s).", kernel_growth() ** 2, a2, "Solve for a."),
        identity(
            "The even directions of the plane (u, readout) see G and R together.",
            block.charpoly(z).as_expr().subs(_A, sqrt(1 + _MU**2)),
            quadratic.subs(_A, sqrt(1 + _MU**2)),
            "Restrict the lifted Hessian; the odd ones carry +- gamma_0 q / sqrt(D), of R alone.",
        ),
        identity(
            "Each orthogonal input direction sees a 3 x 3 block.",
            orthogonal.charpoly(z).as_expr(),
            cubic,
            "It couples to the readout through G, and to dE_u through R.",
        ),
        identity(
            "The larger root of the quadratic is the sharpness of the mode.",
            mode.subs(z, mode_sharpness()).subs(_A, sqrt(a2)),
            Rational(0),
            "Put the root in.",
        ),
        Step(
            "In closed form.",
            Eq(Symbol("S_u"), mode_sharpness(), evaluate=False),
            "a^2 - m^2 = 1 put in.",
            False,
        ),
    )
    return Derivation("Whitened inputs, one output, muP at infinite width", steps)


@cache
def dip_equation() -> Expr:
    """Return the quartic in s whose one root in (0, b/2) is where S_u, which is convex in s, is least."""
    growing, decaying = (term.diff(STRENGTH) for term in mode_sharpness().args)
    numerator = together(simplify(growing**2 - decaying**2)).as_numer_denom()[0]
    return factor_list(numerator, STRENGTH)[1][-1][0].collect(STRENGTH)


def _exact(strength: Any, function: str) -> Any:
    return refuse_float(strength, name="strength", function=function)


__all__ = [
    "Catapult",
    "Limits",
    "catapult_map",
    "derivation",
    "dip",
    "dip_equation",
    "edge_of_stability",
    "flattest_interpolator",
    "gauss_newton",
    "kernel_growth",
    "limits",
    "mode_equation",
    "mode_sharpness",
    "orthogonal_matrix",
    "orthogonal_sharpness",
    "residual",
    "sharpness",
]
