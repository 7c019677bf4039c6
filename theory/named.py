"""The parametrizations that have names, each defined by what it requires and solved from that."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scalewright.theory.calculus.optimizers import optimizer_named
from scalewright.theory.calculus.sizes import Alignment
from scalewright.theory.derive import derive
from scalewright.theory.desiderata import (
    MAXIMAL_UPDATE,
    Desideratum,
    bounded_logits,
    largest_rates,
    lazy_initialisation,
    one_epsilon,
    one_rate,
    stable_features,
    stable_initialisation,
    unit_gain,
)
from scalewright.theory.errors import ScalingError
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.parametrization import Parametrization


@dataclass(frozen=True)
class Named:
    """A name, what it requires, and the gauge in which its authors state it."""

    require: tuple[Desideratum, ...]
    gauge: str
    source: str


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
}


def named(
    architecture: Architecture, name: str, optimizer: str = "sgd", *, alignment: Alignment | None = None
) -> Parametrization:
    """Return a parametrization by name, solved from its requirements and stated in its authors' gauge.

    - `sp`: every layer starts with unit gain, no multipliers, one learning rate, the largest with stable
      features and
      bounded logits. SGD: n^-1. Adam: n^-3/2 under the default alignment, in which the initial readout passes
      on the features' change coherently (omega = 1: at n^-1 the logits still grow as n^1/2). The
      practitioner's n^-1 is the edge at which hidden features move by Theta(1); it's also the edge with
      bounded logits under `alignment=Alignment(narrow=Fraction(1, 2))`, the convention of Everett et al.
      (2024).
    - `ntp`: the readout starts with unit gain too, and every rate is the largest with bounded logits: the
      kernel limit.
    - `mup`, `mean-field`: the maximal update parametrization; both names state it for unit-variance weights.

    Raises ScalingError for another name or optimizer.
    """
    if name not in NAMES:
        raise ScalingError(f"named: name must be one of {', '.join(NAMES)}; given {name!r}")
    rule = optimizer_named(optimizer, "named")
    require = NAMES[name].require
    if name == "sp" and rule.has_eps:
        require = (*require, one_epsilon)
    solved = derive(architecture, optimizer, require=require, alignment=alignment)
    return replace(solved.in_gauge(NAMES[name].gauge), name=name)
