"""Prove the formulas of the gamma-eta plane step by step, each step checked again on demand."""

from functools import cache
from typing import Any

from sympy import Expr, Integer, Matrix, Rational, Symbol, diff, gammasimp, rf, simplify, symbols

from scalewright.theory.landscape.derivation import Derivation, Step, identity
from scalewright.theory.richness import limits, times, toy, wide
from scalewright.theory.richness.symbols import AMPLITUDE, CURVATURE, GAMMA, LAYERS, OUTPUT, PULL

_N = Symbol("n", integer=True, nonnegative=True)


@cache
def derivation() -> Derivation:
    """Return the derivation: curvature, flattest minimum, flow, limits, and the map of two wide layers.

    >>> derivation().holds
    True
    """
    return Derivation("The gamma-eta plane", (*_curvature(), *_flow(), *_maps()))


def _curvature() -> tuple[Step, ...]:
    found, c, length = toy.spectrum(), AMPLITUDE, LAYERS
    a, b = symbols("a_1 b_1", positive=True)
    end = toy.sharpness()
    slope = GAMMA * diff(2 / end, GAMMA) * end / 2
    return (
        identity(
            "All weights alike: the sum of a row of the Hessian.",
            found.mode,
            CURVATURE * length * c ** (2 * length - 2) / GAMMA**2
            - (length - 1) * PULL * c ** (length - 2) / GAMMA,
            "Two weights have the mixed derivative c^(L-2)/gamma, one weight twice has none.",
        ),
        identity(
            "Weights against each other: diagonal minus off-diagonal, L - 1 of them.",
            found.unbalanced,
            PULL * c ** (length - 2) / GAMMA,
            "The gradient of f is the same in every weight, so that G does not see them.",
        ),
        identity(
            "At the minimiser f = 1 of the squared loss.",
            end,
            length * (1 + GAMMA) ** (2 - 2 / length) / GAMMA**2,
            "Delta = 0, c = (1 + gamma)^(1/L).",
        ),
        identity(
            "The local power of eta_crit = 2 / sharpness.",
            slope,
            2 - 2 * (length - 1) / length * GAMMA / (1 + GAMMA),
            "From 2 for gamma << 1 to 2/L for gamma >> 1.",
        ),
        identity(
            "Two weights a, b at a minimum: how much sharper than balanced.",
            toy.minimum_sharpness((a, b)) - toy.minimum_sharpness(((a * b) ** Rational(1, 2),) * 2),
            (a - b) ** 2 / GAMMA**2,
            "The inequality of arithmetic and geometric mean, pair by pair: balanced minima are flattest.",
        ),
    )


def _flow() -> tuple[Step, ...]:
    c, length, h = AMPLITUDE, LAYERS, 1 + GAMMA
    return (
        identity(
            "Partial fractions of the flow's time.",
            1 / (c ** (length - 1) * (h - c**length)),
            (c ** (1 - length) + c / (h - c**length)) / h,
            "dtau = gamma dc / (c^(L-1) (1 + gamma - c^L)) for the squared loss.",
        ),
        identity(
            "Its second part is a power series, term by term that of 2F1(1, 2/L; 1 + 2/L; c^L/h).",
            gammasimp(rf(2 / length, _N) / rf(1 + 2 / length, _N)) / 2,
            1 / (length * _N + 2),
            "The integral of c (c^L/h)^n is c^2 (c^L/h)^n / (n L + 2).",
        ),
        identity(
            "The plateau of more than two layers.",
            times.rich_time(length),
            1 / (length - 2),
            "gamma >> 1: all time is spent while f is still 0.",
        ),
    )


def _maps() -> tuple[Step, ...]:
    product, kernel = wide.two_variable_map()
    s, k, a = wide.PRODUCT, wide.KERNEL, wide.STEP
    lazy = limits.limit_map(regime="small")
    x, kappa = symbols("x k", real=True)
    moved, shrunk = wide.catapult_map()
    return (
        identity(
            "gamma << 1, eta = a gamma^2: descent in the output.",
            lazy.step,
            OUTPUT + limits.RATIO * LAYERS * (1 - OUTPUT),
            "c = 1 + gamma z, f = L z.",
        ),
        identity(
            "Two wide layers: the mean product.",
            product,
            s + a * PULL * k + a**2 * PULL**2 * s,
            "(w + a D u)(u + a D w), averaged over units.",
        ),
        identity(
            "Two wide layers: the kernel.",
            kernel,
            k + 4 * a * PULL * s + a**2 * PULL**2 * k,
            "(w + a D u)^2 + (u + a D w)^2.",
        ),
        identity(
            "The imbalance of the layers shrinks.",
            kernel**2 - 4 * product**2,
            (k**2 - 4 * s**2) * (1 - a**2 * PULL**2) ** 2,
            "w + u is multiplied by 1 + a D, w - u by 1 - a D.",
        ),
        identity(
            "Far from the target, squared loss: the output.",
            moved,
            x * (1 - kappa + x**2),
            "x = eta f / gamma, k = eta K / gamma^2, D = -f.",
        ),
        identity(
            "Far from the target, squared loss: the kernel falls while k < 4.",
            shrunk - kappa,
            x**2 * (kappa - 4),
            "Summable, so that x -> 0; above 4 the kernel only grows.",
        ),
    )


def explicit_spectrum_agrees(layers: int) -> bool:
    """Compare `toy.spectrum` with the eigenvalues of the explicit L x L Hessian, every weight a symbol.

    The Hessian is differentiated in all weights, for a loss whose pull and curvature at f are symbols.
    """
    weights = symbols(f"w1:{layers + 1}", positive=True)
    product: Expr = Integer(1)
    for weight in weights:
        product = product * weight
    change = (product - AMPLITUDE**layers) / GAMMA
    loss = -PULL * change + CURVATURE * change**2 / 2
    here = dict.fromkeys(weights, AMPLITUDE)
    hessian = Matrix(layers, layers, lambda i, j: loss.diff(weights[i]).diff(weights[j]).subs(here))
    found = toy.spectrum(layers)
    return all(
        _is_zero(hessian * vector - value * vector)
        for value, vector in ((found.mode, _ones(layers)), *((found.unbalanced, v) for v in _pairs(layers)))
    )


def _ones(layers: int) -> Matrix:
    return Matrix([1] * layers)


def _pairs(layers: int) -> list[Matrix]:
    """Return the L - 1 vectors e_1 - e_j."""
    return [Matrix([1] + [-int(i == j) for i in range(1, layers)]) for j in range(1, layers)]


def _is_zero(vector: Any) -> bool:
    return all(simplify(entry) == 0 for entry in vector)
