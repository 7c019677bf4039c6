r"""Move powers between multiplier, initial std and learning rate without changing the training.

A weight acts as multiplier * w. With a factor $\Theta$ (a Power) put into the multiplier,
multiplier $\to \Theta\,$multiplier, std $\to$ std$/\Theta$, lr $\to$ lr$/\Theta^k$, eps $\to \Theta^d\,$eps,
decay $\to \Theta^k\,$decay. k = 1 + h for a step of degree h in the gradient, which itself gains a factor
$\Theta$: 2 for SGD, 1 for Adam, sign descent and Muon, 2 - 4p for Shampoo, 0 for Adafactor, whose steps
follow the weight. d = 1 where epsilon is added to the gradient, 2 where to its square. In exponents, with
$\Theta = N^{-\theta}$: SGD $(a+\theta, b-\theta, c-2\theta)$, Adam
$(a+\theta, b-\theta, c-\theta, e-\theta)$. An independent weight decay stays.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scalewright.theory.calculus.optimizers import Optimizer
from scalewright.theory.errors import ScalingError
from scalewright.theory.graph.nodes import Node
from scalewright.theory.power import Power

if TYPE_CHECKING:
    from scalewright.theory.graph.architecture import Architecture


@dataclass(frozen=True)
class Scaling:
    """One parameter: a layer computes multiplier * w, w ~ N(0, init_std^2), rate = base_rate * lr."""

    multiplier: Power
    init_std: Power
    lr: Power
    eps: Power | None = None
    weight_decay: Power | None = None

    def shifted(self, factor: Power, optimizer: Optimizer) -> "Scaling":
        """Return the same parameter with `factor` put into its multiplier."""
        k = optimizer.rate_gauge
        return Scaling(
            self.multiplier * factor,
            self.init_std / factor,
            self.lr / factor**k,
            None if self.eps is None else self.eps * factor**optimizer.eps_degree,
            self.weight_decay
            if self.weight_decay is None or optimizer.decay == "independent"
            else self.weight_decay * factor**k,
        )

    def invariants(self, optimizer: Optimizer) -> "Scaling":
        """Return the quantities that every gauge shares: the same parameter stated without a multiplier."""
        return self.shifted(Power.one() / self.multiplier, optimizer)

    def with_lr(self, lr: Power) -> "Scaling":
        """Return the same parameter with another learning-rate power."""
        return replace(self, lr=lr)


# Each gauge: (architecture, parameter, scaling without multiplier) -> the factor to put into the multiplier.
Target = Callable[["Architecture", Node, Scaling], Power]


def _no_multipliers(architecture: "Architecture", parameter: Node, bare: Scaling) -> Power:
    return Power.one()


def _unit_variance(architecture: "Architecture", parameter: Node, bare: Scaling) -> Power:
    return bare.init_std


def _tensor_programs_4(architecture: "Architecture", parameter: Node, bare: Scaling) -> Power:
    return bare.init_std / Power({"width": "-1/2"})


def _output_multiplier(architecture: "Architecture", parameter: Node, bare: Scaling) -> Power:
    user = architecture.user_of(parameter.name)
    if user.name in architecture.logits and user.op == "linear":
        return Power.one() / architecture.fan_in(parameter)
    return Power.one()


GAUGES: dict[str, Target] = {
    "no-multipliers": _no_multipliers,
    "unit-variance": _unit_variance,
    "tensor-programs-4": _tensor_programs_4,
    "output-multiplier": _output_multiplier,
}
ALIASES: dict[str, str] = {
    "table-3": "no-multipliers",
    "table-8": "output-multiplier",
    "table-9": "tensor-programs-4",
    "ntk": "unit-variance",
}


def canonical(gauge: str) -> str:
    """Return the name of a gauge that may be given by an alias; ScalingError otherwise."""
    name = ALIASES.get(gauge, gauge)
    if name not in GAUGES:
        raise ScalingError(
            f"in_gauge: gauge must be one of {', '.join((*GAUGES, *ALIASES))}; given {gauge!r}"
        )
    return name


def move(
    architecture: "Architecture", parameter: Node, scaling: Scaling, optimizer: Optimizer, gauge: str
) -> Scaling:
    """Return the scaling of one parameter in another gauge.

    `no-multipliers` (table 3 of Tensor Programs V), `unit-variance` (all weights start with variance 1; the
    ntk form), `tensor-programs-4` (all start with variance 1/width; table 9), `output-multiplier` (table 8).
    """
    target = GAUGES[canonical(gauge)]
    bare = scaling.invariants(optimizer)
    return bare.shifted(target(architecture, parameter, bare), optimizer)
