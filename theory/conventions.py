"""Put solved exponents into powers of sizes, beside the powers that stand by convention."""

from fractions import Fraction

from scalewright.theory.calculus.optimizers import Optimizer
from scalewright.theory.calculus.sizes import Axis, Sizes
from scalewright.theory.desiderata.base import multipliers_of
from scalewright.theory.gauge import Scaling
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import MATRICES, Node
from scalewright.theory.power import Power
from scalewright.theory.solver.certificate import AxisCertificate

Parts = tuple[AxisCertificate, ...]


def scaling(
    architecture: Architecture,
    node: Node,
    optimizer: Optimizer,
    parts: Parts,
    axes: tuple[Axis, ...],
    per_parameter: bool,
) -> Scaling:
    """Return the powers of one parameter, stated without multipliers."""
    solved = {symbol: _solved(parts, symbol, node.name) for symbol in "abcew"}
    std, lr, eps = _conventions(
        architecture, node, optimizer, {name for axis in axes for name in axis.powers}
    )
    if not per_parameter:
        std, lr, eps = std.only(["inputs"]), Power.one(), Power.one()
    return Scaling(
        multiplier=solved["a"] ** -1,
        init_std=solved["b"] ** -1 * std,
        lr=solved["c"] ** -1 * lr,
        eps=solved["e"] * eps if optimizer.has_eps else None,
        weight_decay=_decay(optimizer, solved["w"], lr),
    )


def _decay(optimizer: Optimizer, solved: Power, lr: Power) -> Power | None:
    if not optimizer.has_decay:
        return None
    return solved / lr if optimizer.decay == "coupled" else solved


def multipliers(sizes: Sizes, parts: Parts) -> dict[str, Power]:
    """Return the fixed factors of the forward pass that belong to no parameter, by node."""
    return {node.name: _solved(parts, "m", node.name) ** -1 for node in multipliers_of(sizes)}


def _solved(parts: Parts, symbol: str, name: str) -> Power:
    """Return N^value over the axes; on the axis gamma, N is 1/gamma."""
    found = {}
    for part in parts:
        value = part.values.get(f"{symbol}[{name}]", 0)
        found[part.axis] = -value if part.axis == "gamma" else value
    return Power(found)


def _conventions(
    architecture: Architecture, node: Node, optimizer: Optimizer, grown: set[str]
) -> tuple[Power, Power, Power]:
    """Return the powers of fixed sizes and gamma in std, rate and epsilon, stated without multipliers.

    A fixed fan-in F is treated as the calculus treats a growing one: std F^-1/2, rate F^-1 for entrywise
    optimizers, epsilon F^0. The readout carries gamma^-1. What stands before it has epsilon gamma^-1 and the
    rate gamma^2 (SGD) or gamma (Adam), so that a step changes the function by gamma^0.
    """
    user = architecture.user_of(node.name)
    fan_in, fan_out = architecture.fans(user)
    at_logits = user.name in architecture.logits
    fixed = Power({name: value for name, value in fan_in.items if name not in grown})
    before = Power.one() if at_logits else Power({"gamma": 1})
    readout = Power({"gamma": -1}) if at_logits and user.op in MATRICES else Power.one()
    if "gamma" in grown:
        before = readout = Power.one()
    rate = _reach(optimizer, fixed, Power({n: v for n, v in fan_out.items if n not in grown}))
    return fixed ** Fraction(-1, 2) * readout, rate * before**optimizer.gamma, before**-optimizer.eps_degree


def _reach(optimizer: Optimizer, fan_in: Power, fan_out: Power) -> Power:
    """Return the power of fixed sizes by which a rate undoes the reach of its updates."""
    if optimizer.spectral:
        return (fan_out / fan_in) ** Fraction(1, 2) / (fan_out * fan_in) ** (optimizer.degree / 2)
    return fan_in**-1
