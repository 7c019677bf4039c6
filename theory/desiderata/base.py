"""What a parametrization may be asked to do: a named requirement, and how to name and combine them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from scalewright.theory.calculus.sizes import Sizes, unknown
from scalewright.theory.errors import ScalingError
from scalewright.theory.graph.nodes import MULTIPLIERS, Node
from scalewright.theory.power import Exponent, Power, exact
from scalewright.theory.solver.affine import Affine
from scalewright.theory.solver.system import Constraint

Concern = Literal["init", "training", "rate", "eps", "decay"]
QUANTITIES = {
    "multiplier": ("a", -1),
    "init_std": ("b", -1),
    "lr": ("c", -1),
    "eps": ("e", 1),
    "weight_decay": ("w", 1),
}
CONCERNS: dict[str, Concern] = {"lr": "rate", "eps": "eps", "weight_decay": "decay"}


def _nothing(sizes: Sizes) -> Iterator[Constraint]:
    return iter(())


@dataclass(frozen=True)
class Desideratum:
    """A named requirement: constraints on the sizes of a network, or an extreme sought among its exponents.

    `constraints(sizes)` yields exact constraints; `least(sizes)` lists forms that shall each be as small as
    the constraints allow (a rate is n^-c, so the least c is the largest rate). `concerns` says which
    exponents it settles.
    """

    name: str
    statement: str
    concerns: Concern
    constraints: Callable[[Sizes], Iterable[Constraint]] = _nothing
    least: Callable[[Sizes], tuple[Affine, ...]] | None = None


def reason(name: str, what: str) -> str:
    """Return the reason that a constraint of a requirement carries."""
    return f"{name}: {what}"


def nodes_of(
    sizes: Sizes, ops: Iterable[str], among: Literal["features", "logits", "all"] = "all"
) -> list[Node]:
    """Return the operations of some kinds before the logits, at the logits, or everywhere."""
    graph, wanted = sizes.architecture, frozenset(ops)
    found = [node for node in graph.order if node.op in wanted]
    if among == "all":
        return found
    return [node for node in found if (node.name in graph.logits) == (among == "logits")]


def prescribe(quantity: str, powers: Mapping[str, Exponent | Power]) -> Desideratum:
    """Return the requirement that a quantity of the named parameters has the given powers.

    `prescribe("lr", {"readout.weight": -1})` asks for a readout rate N^-1 on every axis that is solved,
    stated without multipliers; a Power says it axis by axis, 0 for those it doesn't name. The multiplier of a
    node without a parameter is prescribed by the node's name:
    `prescribe("multiplier", {"blocks.sum.branch": Power({"depth": "-1/2"})})`.

    Raises ScalingError for another quantity (for an unknown name when it is derived), TypeError on a float.
    """
    if quantity not in QUANTITIES:
        raise ScalingError(f"prescribe: quantity must be one of {', '.join(QUANTITIES)}; given {quantity!r}")
    symbol, sign = QUANTITIES[quantity]
    values = {
        name: value if isinstance(value, Power) else exact(value, f"prescribe: the power of {name!r}")
        for name, value in powers.items()
    }

    def constraints(sizes: Sizes) -> Iterator[Constraint]:
        parameters = [node.name for node in sizes.architecture.parameters]
        factors = [node.name for node in multipliers_of(sizes)] if quantity == "multiplier" else []
        for name, given in values.items():
            value = _on_axis(given, sizes)
            if name not in (*parameters, *factors):
                known = ", ".join((*parameters, *factors))
                raise ScalingError(f"prescribe: parameters must be among {known}; given {name!r}")
            why = f"prescribed: {quantity} of {name} is n^{value}"
            letter = "m" if name in factors else symbol
            yield Constraint(unknown(letter, name) - sign * value, "==", why)

    return Desideratum(
        "prescribed " + quantity, f"{quantity} is given", CONCERNS.get(quantity, "init"), constraints
    )


def _on_axis(given: Power | Fraction, sizes: Sizes) -> Fraction:
    if not isinstance(given, Power):
        return given
    return sizes.axis.exponent(given) * (-1 if sizes.axis.name == "gamma" else 1)


def multipliers_of(sizes: Sizes) -> list[Node]:
    """Return the nodes that multiply by a fixed factor N^-m of their own."""
    return nodes_of(sizes, MULTIPLIERS)


def chosen(
    require: Iterable[Desideratum | str], caller: str, known: Mapping[str, Desideratum]
) -> tuple[Desideratum, ...]:
    """Return desiderata given as objects or names.

    ScalingError with the known names for an unknown one, TypeError for anything else.
    """
    wanted = f"{caller}: require must be a list of desiderata or their names"
    if isinstance(require, str | Desideratum) or not isinstance(require, Iterable):
        alone = require.name if isinstance(require, Desideratum) else require
        hint = f": write [{alone!r}]" if isinstance(alone, str) else ""
        raise TypeError(f"{wanted}; given {alone!r}{hint}")
    found = []
    for item in require:
        if isinstance(item, str):
            if item not in known:
                names = ", ".join(known)
                raise ScalingError(f"{caller}: require must name desiderata among {names}; given {item!r}")
            item = known[item]
        if not isinstance(item, Desideratum):
            raise TypeError(f"{wanted}; given {item!r} in it")
        found.append(item)
    return tuple(found)
