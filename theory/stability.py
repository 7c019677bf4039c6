r"""The largest curvature at which an optimizer is stable on a quadratic: exact, one formula an optimizer.

On $L = \frac{\lambda}{2} w^2$ every optimizer here is a linear recursion. It is stable iff all roots of its
characteristic polynomial lie inside the unit circle. With $x = \eta\lambda$ the limit is at a number that
only the momentum decides: the edge of stability is at $\lambda = \mathrm{threshold} / \eta$.

| optimizer | polynomial | threshold |
| gradient descent | $z - (1-x)$ | $2$ |
| heavy ball | $z^2 - (1+\mu-(1-\tau)x)z + \mu$ | $2(1+\mu)/(1-\tau)$ |
| Nesterov | $z^2 - (1+\mu)(1-x)z + \mu(1-x)$ | $2(1+\mu)/(1+2\mu)$ |
| Adam, P frozen | $z^2 - (1+\beta_1-(1-\beta_1)x)z + \beta_1$ | $(2+2\beta_1)/(1-\beta_1)$ |

For Adam $\lambda$ is the largest eigenvalue of the preconditioned Hessian $P^{-1/2} H P^{-1/2}$,
$P = \mathrm{diag}(\sqrt{\hat v} + \epsilon)$.
"""

from fractions import Fraction
from typing import Any, Literal, TypeAlias, get_args

import sympy
from sympy import Expr

Method: TypeAlias = Literal["gradient-descent", "heavy-ball", "nesterov", "adam"]
Z, X = sympy.symbols("z x")


def threshold(method: str, *, momentum: Any = 0, dampening: Any = 0) -> Fraction:
    r"""Return the number c such that the optimizer is stable iff $0 < \eta\lambda < c$.

    Args:
        method: "gradient-descent", "heavy-ball", "nesterov" or "adam".
        momentum: mu, or beta_1 for Adam: an integer, Fraction or sympy Rational in [0, 1).
        dampening: tau of torch's SGD, for the heavy ball alone, in [0, 1).

    Raises:
        TypeError: a float. ValueError: an unknown method, a number out of range, momentum for gradient
            descent, dampening elsewhere than in the heavy ball.

    Reference: Cohen et al., arXiv:2103.00065, appendix B (momentum), and arXiv:2207.14484 (Adam).

    >>> threshold("adam", momentum=Fraction(9, 10))
    Fraction(38, 1)
    """
    mu, tau = _share("momentum", momentum), _share("dampening", dampening)
    if method not in get_args(Method):
        raise ValueError(f"threshold: method must be one of {', '.join(get_args(Method))}; given {method!r}")
    if method == "gradient-descent" and mu:
        raise ValueError(f"threshold: gradient-descent has no momentum; given {mu}: take 'heavy-ball'")
    if method != "heavy-ball" and tau:
        raise ValueError(f"threshold: dampening belongs to 'heavy-ball'; given {tau} for {method!r}")
    match method:
        case "nesterov":
            return 2 * (1 + mu) / (1 + 2 * mu)
        case "adam":
            return 2 * (1 + mu) / (1 - mu)
    return 2 * (1 + mu) / (1 - tau)


def polynomial(method: str, *, momentum: Any = 0, dampening: Any = 0) -> Expr:
    """Return the characteristic polynomial in z, with x = rate times curvature, from the update itself.

    One step is written as a matrix that acts on (weight, momentum buffer); its determinant is expanded.
    """
    threshold(method, momentum=momentum, dampening=dampening)
    mu, tau = (
        sympy.Rational(_share(name, v)) for name, v in (("momentum", momentum), ("dampening", dampening))
    )
    # buffer' = mu buffer + gain x w, and the step is -buffer'; Nesterov looks ahead by mu buffer'.
    gain = {"adam": 1 - mu, "heavy-ball": 1 - tau}.get(method, sympy.Integer(1))
    if method == "nesterov":
        step = sympy.Matrix([[1 - X - mu * X, -(mu**2)], [X, mu]])
    else:
        step = sympy.Matrix([[1 - gain * X, -mu], [gain * X, mu]])
    found = sympy.expand((Z * sympy.eye(2) - step).det())
    return sympy.expand(sympy.cancel(found / Z)) if mu == 0 else found


def _share(name: str, value: Any) -> Fraction:
    if isinstance(value, float):
        near = Fraction(str(value))
        raise TypeError(
            f"threshold: {name} must be exact; given {value!r}: write Fraction({near.numerator}, "
            f"{near.denominator})"
        )
    exact = Fraction(int(value.p), int(value.q)) if isinstance(value, sympy.Rational) else Fraction(value)
    if not 0 <= exact < 1:
        raise ValueError(f"threshold: {name} must lie in [0, 1); given {value}")
    return exact
