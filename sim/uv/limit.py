r"""The limit of infinite width of standard parametrization under cross-entropy, at any rate $\eta n^{-c}$.

For one rate in both layers the output and the kernel, $\Lambda = x^2 (|u|^2 + |v|^2) / n$, form a closed map.
In terms of $\varphi = f\, n^{c-1}$ it reads

$$\varphi' = \varphi (1 + \epsilon\, \eta^2 \chi^2 x^2) - \eta \chi \Lambda, \qquad
  \Lambda' = \Lambda (1 + \epsilon\, \eta^2 \chi^2 x^2) - 4 \epsilon\, \eta \chi x^2 \varphi, \qquad
  \chi = \sigma(n^{1-c} \varphi) - p,$$

with $\epsilon = n^{-2c}$. As n grows the sigmoid becomes a step for c < 1, and $\epsilon$ vanishes for c > 0.
So there are three limits: a kernel with logits (c = 1), a perceptron with a fixed kernel (0 < c < 1), and a
perceptron whose weights move (c = 0).
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import xarray as xr

from scalewright.sim.dataset import dataset
from scalewright.sim.uv.descent import check_rates, check_run
from scalewright.sim.uv.losses import CrossEntropy, check_loss
from scalewright.theory.power import Exponent, exact


def wide(
    c: Exponent,
    *,
    lrs: Sequence[float],
    steps: int,
    loss: CrossEntropy | None = None,
    start: Sequence[float] = (0.0,),
    point: float = 1.0,
    width: float = math.inf,
) -> xr.Dataset:
    r"""Return the output $f\, n^{c-1}$ and the kernel $\Lambda$ along training, in the limit or at a width.

    Args:
        c: exponent of the rate eta n^-c of standard parametrization, from 0 to 1.
        lrs: base rates eta.
        steps: number of updates.
        loss: cross-entropy with a share of positive labels, CrossEntropy() by default.
        start: initial outputs f_0, one a run (of a wide network: standard normal, times x). For c < 1 they
            vanish beside the later ones in the limit, but decide the first step.
        point: the input x.
        width: n, for which the initial kernel is x^2 (1 + 1/n); infinite by default.

    Returns:
        A trajectory with dimensions (seed, lr, step), a seed for each start: `outputs` is $\varphi$, `ntk` is
        $\Lambda$.

    Raises:
        ValueError: c outside of [0, 1], rates that are not positive, a width below 1.
        TypeError: c is a float, or a loss that isn't cross-entropy.

    Cost: some ten operations a step on arrays of starts x rates.

    >>> run = wide("1/2", lrs=[0.5], steps=40)
    >>> bool((run.ntk == 1).all()), round(float(abs(run.outputs).max()), 3)
    (True, 0.35)
    """
    power = exact(c, "uv.wide: c")
    if not 0 <= power <= 1:
        raise ValueError(f"uv.wide: c must be from 0 to 1; given {power}")
    if not width >= 1:
        raise ValueError(f"uv.wide: width must be at least 1 or math.inf; given {width}")
    rates, chosen = check_rates(lrs), CrossEntropy() if loss is None else loss
    check_loss(chosen, "uv.wide", CrossEntropy)
    check_run(steps, 0, 0.0, point)
    scale, moving = _power(width, 1 - power), _power(width, -2 * power)
    # The first pull sees the initial logits themselves, which are of order one at every c.
    logits = np.asarray(start, dtype=float)[:, None] * np.ones(len(rates))
    record = np.empty((2, *logits.shape, steps + 1))
    output, ntk = logits / scale, np.full_like(logits, point**2 * (1 + 1 / width))
    with np.errstate(over="ignore", invalid="ignore"):
        for place in range(steps + 1):
            record[:, ..., place] = output, ntk
            pull = chosen.pull(_raised(output, scale) if place else logits)
            grown = 1 + moving * (rates * pull * point) ** 2
            output, ntk = (
                output * grown - rates * pull * ntk,
                ntk * grown - 4 * moving * rates * pull * point**2 * output,
            )
    variables = {n: (("seed", "lr", "step"), r) for n, r in zip(("outputs", "ntk"), record, strict=True)}
    coords = {"seed": np.arange(len(logits)), "lr": rates, "step": np.arange(steps + 1)}
    attrs = {"c": str(power), "width": width, "share": chosen.share, "point": point, "made_by": "sim.uv.wide"}
    return dataset(variables, coords, attrs)


def _power(width: float, exponent: Fraction) -> float:
    """Return n^exponent, at infinite width its limit."""
    if math.isinf(width):
        return 1.0 if not exponent else math.inf if exponent > 0 else 0.0
    return float(width) ** float(exponent)


def _raised(output: np.ndarray, scale: float) -> np.ndarray:
    """Return the logits; where the scale is infinite, +-inf by the sign of a rescaled output, 0 at 0."""
    if math.isinf(scale):
        return np.where(output == 0, 0.0, np.sign(output) * np.inf)
    return output * scale
