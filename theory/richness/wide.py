r"""Two wide linear layers on one example: exact maps of two variables, the catapult, and where it ends.

N hidden units with incoming u_i and outgoing weights w_i, f = (s - s_0) / gamma with s the mean of u_i w_i,
K the mean of u_i^2 + w_i^2. With alpha = eta / gamma and the pull Delta one step of descent is, at every N,

    s' = s (1 + alpha^2 Delta^2) + alpha Delta K,
    K' = K (1 + alpha^2 Delta^2) + 4 alpha Delta s,

and the sums w_i + u_i, w_i - u_i of every unit are multiplied by 1 + alpha Delta and 1 - alpha Delta. Random
weights start with s = 0 and K = 2, the toy of two layers with s = 1 and K = 2.
"""

from functools import cache
from typing import Any

from sympy import (
    Expr,
    Float,
    Integral,
    LambertW,
    Rational,
    Symbol,
    asinh,
    expand,
    factor,
    log,
    nsolve,
    simplify,
    sinh,
    sqrt,
    symbols,
)

from scalewright.theory.richness.losses import RIGHT, loss_named
from scalewright.theory.richness.symbols import GAMMA, OUTPUT, PULL, STEPS, exact

STEP = Symbol("alpha", positive=True)
"""alpha = eta / gamma: what a weight moves by, for a pull of one."""
KERNEL, PRODUCT = Symbol("K", positive=True), Symbol("s", real=True)
START = Rational(2)
"""K at the start, for weights of unit variance."""
_U, _W = symbols("u w", real=True)


def two_variable_map() -> tuple[Expr, Expr]:
    """Return s' and K' after one step, from the step of a single unit: both are linear in its moments.

    >>> product = PRODUCT * (1 + STEP**2 * PULL**2) + STEP * PULL * KERNEL
    >>> expand(two_variable_map()[0] - product)
    0
    """
    u, w = _U + STEP * PULL * _W, _W + STEP * PULL * _U
    return _moments(expand(u * w)), _moments(expand(u**2 + w**2))


def _moments(unit: Expr) -> Expr:
    """Average over units: u w becomes s, and u^2 + w^2 becomes K; anything else left would be an error."""
    cross, square = unit.coeff(_U, 1).coeff(_W, 1), unit.coeff(_U, 2)
    if expand(unit - cross * _U * _W - square * (_U**2 + _W**2)) != 0:
        raise ArithmeticError(f"richness.wide: the step of a unit does not close on s and K: {unit}")
    return expand(cross * PRODUCT + square * KERNEL)


def imbalance() -> Expr:
    """Return the factor of K^2 - 4 s^2 in one step, (1 - alpha^2 Delta^2)^2: 1 under gradient flow.

    Descent makes the layers more alike as long as alpha |Delta| < sqrt 2; that is what lets a catapult end
    at a flatter minimum than where it began.
    """
    product, kernel = two_variable_map()
    return factor((kernel**2 - 4 * product**2) / (KERNEL**2 - 4 * PRODUCT**2))


def flow_kernel(output: Any = OUTPUT) -> Expr:
    """Return K along gradient flow from s = 0, K = 2: 2 sqrt(1 + gamma^2 f^2), as K^2 - 4 s^2 stays."""
    return START * sqrt(1 + GAMMA**2 * output**2)


def flow_time(loss: str = "squared", *, start: Any = 0, stop: Any = None) -> Expr:
    """Return tau = eta t / gamma under gradient flow from f = start to f = stop.

    ds/dtau = K Delta; with s = sinh x the integral of dx / (2 Delta(sinh(x) / gamma)).
    """
    function, x = loss_named(loss), Symbol("x", positive=True)
    stop = function.reached if stop is None else stop
    integrand = 1 / (START * function.pull_at(sinh(x) / GAMMA))
    return Integral(integrand, (x, asinh(GAMMA * start), asinh(GAMMA * stop)))


def catapult_map() -> tuple[Expr, Expr]:
    """Return the map of the squared loss far from its target in k = eta K / gamma^2 and x = eta f / gamma.

        x' = x (1 - k + x^2),    k' = k + x^2 (k - 4),    |f| >> 1.

    For k < 4 the kernel k falls with every step and stays positive, so x^2 (4 - k) is summable and x -> 0;
    the end must be stable, k <= 2. For k > 4 it only grows. So the catapult's band is 2 < k < 4, exactly.
    """
    x, k = symbols("x k", real=True)
    here = {PRODUCT: GAMMA * x / STEP, KERNEL: GAMMA * k / STEP, PULL: -x / STEP}
    product, kernel = (side.subs(here) for side in two_variable_map())
    return factor(simplify(product * STEP / GAMMA)), factor(simplify(kernel * STEP / GAMMA))


def drift(ratio: Any) -> Expr:
    r"""Return the mean change of log (K^2 - 4 s^2) a step at eta = a gamma, gamma -> 0, cross-entropy.

    There |f| is large, and the pull is -p_0 above the target and p_1 below: log (K + 2s) and log (K - 2s)
    move by constants. Their difference must neither grow nor fall, which fixes the share of steps above, and
    the mean change of their sum is what is left:

        2 (d_1 log|1 - a^2 p_0^2| + d_0 log|1 - a^2 p_1^2|) / (d_0 + d_1),
        d_j = 2 log |(1 + a p_j) / (1 - a p_j)|.
    """
    ratio, shares = exact(ratio, "ratio", "wide.drift"), (1 - RIGHT, RIGHT)
    turn = [2 * log(abs((1 + ratio * p) / (1 - ratio * p))) for p in shares]
    shrink = [2 * log(abs(1 - ratio**2 * p**2)) for p in shares]
    return (turn[1] * shrink[0] + turn[0] * shrink[1]) / (turn[0] + turn[1])


@cache
def edge_ratio() -> Float:
    """Return the ratio a = eta / gamma up to which cross-entropy converges as gamma -> 0: drift(a) = 0.

    Below it every catapult shrinks the kernel and ends; above it the kernel grows without bound.

    >>> edge_ratio().round(4)
    2.1996
    """
    a = Symbol("a", positive=True)
    return nsolve(drift(a), a, Rational(22, 10), prec=20)


def island_ratio() -> Expr:
    """Return the ratio 1 / Delta(0) = 2 (e+1)/(e-1) = 4.328 at which the first step balances the layers.

    It multiplies w - u by 1 - alpha Delta(0) = 0, after which K = 2 s, and the network is the balanced toy,
    which stays bounded up to 7.4. Around it runs converge, in an island beyond the band that shrinks with
    gamma.
    """
    return simplify(1 / loss_named("cross-entropy").pull_at(0))


def catapult_steps(rate: Any) -> Expr:
    """Return a number of steps below which no catapult of cross-entropy has ended (a bound).

    log (K^2 - 4 s^2) falls by at most -2 log(1 - alpha^2 p_1^2) a step, since |Delta| <= p_1, and has to fall
    from 2 log K_0 to that of a kernel that is stable at the minimiser, K = 2 gamma^2 / (kappa eta):

        T >= log(eta kappa K_0 / (2 gamma^2)) / (-log(1 - (eta p_1 / gamma)^2)),    eta < gamma / p_1.
    """
    rate, curvature = exact(rate, "rate", "wide.catapult_steps"), loss_named("cross-entropy").curvature_at(1)
    return log(rate * curvature * START / (2 * GAMMA**2)) / -log(1 - (rate * RIGHT / GAMMA) ** 2)


def hole_edge() -> Expr:
    """Return the rate below which no catapult of cross-entropy ends within T steps, for T >> 1 (a bound).

    The leading form of `catapult_steps` = T: with y = eta p_1 / gamma small, y^2 T = log(y kappa K_0 / (2
    gamma p_1)), solved by Lambert's W. It has no real solution where every catapult may end in time.
    """
    scale = _scale()
    return GAMMA / RIGHT * sqrt(-LambertW(-2 * STEPS / scale**2, -1) / (2 * STEPS))


def hole_edge_small() -> Expr:
    """Return the leading form of `hole_edge` for gamma -> 0.

    gamma sqrt(log(b^2 / (2 T)) / (2 T)) / p_1 with b = kappa K_0 / (2 gamma p_1).
    """
    return GAMMA / RIGHT * sqrt(log(_scale() ** 2 / (2 * STEPS)) / (2 * STEPS))


def _scale() -> Expr:
    return loss_named("cross-entropy").curvature_at(1) * START / (2 * GAMMA * RIGHT)
