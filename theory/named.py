"""The parametrizations that have names, each defined by what it requires and solved from that."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scalewright.theory.calculus.alignment import Alignment
from scalewright.theory.calculus.optimizers import Assignment, Optimizer, assignment
from scalewright.theory.derive import derive
from scalewright.theory.desiderata import (
    MAXIMAL_UPDATE,
    Desideratum,
    bounded_logits,
    effective_update,
    feature_diversity,
    free_logits,
    largest_rates,
    lazy_initialisation,
    non_lazy_blocks,
    one_epsilon,
    one_rate,
    stable_features,
    stable_initialisation,
    unit_gain,
)
from scalewright.theory.errors import ScalingError, expect
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.parametrization import Parametrization


@dataclass(frozen=True)
class Named:
    """A name, what it requires, the axes it is stated on, and the gauge in which its authors state it."""

    require: tuple[Desideratum, ...]
    gauge: str
    source: str
    axes: tuple[str, ...] = ("width",)


NAMES: Mapping[str, Named] = {
    "sp": Named(
        (unit_gain, stable_features, bounded_logits, one_rate, largest_rates),
        "no-multipliers",
        "He et al. (2015) initialisation with one rate; its edge: Haas et al. (2025), arXiv:2505.22491",
    ),
    "ntp": Named(
        (stable_initialisation, lazy_initialisation, stable_features, bounded_logits, largest_rates),
        "unit-variance",
        "Jacot, Gabriel and Hongler (2018), arXiv:1806.07572",
    ),
    "mean-field": Named(
        MAXIMAL_UPDATE, "unit-variance", "Mei, Montanari and Nguyen (2018), arXiv:1804.06561; any depth: muP"
    ),
    "mup": Named(
        MAXIMAL_UPDATE,
        "unit-variance",
        "Yang and Hu (2021), arXiv:2011.14522; Yang et al. (2022), 2203.03466",
    ),
    "depth-mup": Named(
        (*MAXIMAL_UPDATE, feature_diversity),
        "no-multipliers",
        "Yang, Yu, Zhu and Hayou (2023), arXiv:2310.02244; Bordelon et al. (2023), arXiv:2309.16620",
        ("width", "depth"),
    ),
    "completep": Named(
        (*MAXIMAL_UPDATE, non_lazy_blocks),
        "no-multipliers",
        "Dey et al. (2025), arXiv:2505.01618",
        ("width", "depth"),
    ),
    "sp-full-align": Named(
        (unit_gain, stable_features, free_logits, effective_update),
        "no-multipliers",
        "Everett et al. (2024), arXiv:2407.05872; its instability: Haas et al. (2025), arXiv:2505.22491",
    ),
}


def named(
    architecture: Architecture,
    name: str,
    optimizer: str | Optimizer | Assignment | Mapping[str, object] = "sgd",
    *,
    alignment: Alignment | None = None,
) -> Parametrization:
    """Return a parametrization by name, solved from its requirements and stated in its authors' gauge.

    - `sp`: every layer starts with unit gain, no multipliers, one learning rate, the largest with stable
      features and bounded logits. SGD: n^-1. Adam: n^-3/2 under the default alignment, in which the initial
      readout passes on the features' change coherently (omega = 1: at n^-1 the logits still grow as n^1/2).
      The practitioner's n^-1 is the edge at which hidden features move by Theta(1); under
      `alignment=Alignment(narrow=Fraction(1, 2))`, as in Everett et al. (2024), also that of bounded logits.
    - `ntp`: the readout starts with unit gain too, every rate is the largest with bounded logits: the limit
      is a kernel's.
    - `mup`, `mean-field`: the maximal update parametrization; both names state it for unit-variance weights.
    - `depth-mup`, `completep`: muP on the axes width and depth, with branches L^-1/2 so that blocks stay
      diverse, or L^-1 so that no block is lazy. For architectures with repeated blocks.
    - `sp-full-align`: initial weights of SP, rates by layer that move every layer by Theta(1); the logits
      grow as n^1/2, which the squared loss forbids.

    Args:
        architecture: the graph of the network.
        name: one of these.
        optimizer, alignment: as in `derive`.

    Raises:
        ScalingError: another name or optimizer, or no repeated blocks where a name is about them.
        Infeasible, NotUnique, Unreachable: as in `derive`, where the network can't have it.

    >>> from scalewright.theory import mlp
    >>> str(named(mlp(), "sp", "adam")["readout.weight"].lr)
    'n^-3/2'
    """
    expect(architecture, Architecture, "named: architecture")
    if name not in NAMES:
        raise ScalingError(f"named: name must be one of {', '.join(NAMES)}; given {name!r}")
    rules = assignment(optimizer, "named")
    require = NAMES[name].require
    if "depth" in NAMES[name].axes and not any(node.op == "stream" for node in architecture.nodes):
        raise ScalingError(f"named: {name} is for networks with repeated residual blocks; given none")
    if one_rate in require and any(rules.of(architecture, node).has_eps for node in architecture.trainable):
        require = (*require, one_epsilon)
    solved = derive(architecture, rules, NAMES[name].axes, require, alignment=alignment)
    return replace(solved.in_gauge(NAMES[name].gauge), name=name)
