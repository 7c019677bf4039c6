"""What a parametrization may be asked to do: named requirements that combine freely."""

from scalewright.theory.desiderata.base import QUANTITIES, Desideratum, prescribe
from scalewright.theory.desiderata.learning import (
    effective_update,
    feature_diversity,
    lazy_initialisation,
    maximal_update,
    non_lazy_blocks,
    nontrivial,
)
from scalewright.theory.desiderata.rates import (
    decay_transfer,
    epsilon_transfer,
    largest_rates,
    largest_total_rate,
    one_epsilon,
    one_rate,
    small_epsilon,
)
from scalewright.theory.desiderata.stability import (
    bounded_logits,
    free_logits,
    relative_stability,
    stable_features,
    stable_initialisation,
    unit_gain,
)

DESIDERATA: dict[str, Desideratum] = {
    item.name: item
    for item in (
        stable_initialisation,
        unit_gain,
        lazy_initialisation,
        stable_features,
        relative_stability,
        bounded_logits,
        free_logits,
        nontrivial,
        effective_update,
        maximal_update,
        feature_diversity,
        non_lazy_blocks,
        one_rate,
        largest_rates,
        largest_total_rate(),
        small_epsilon,
        epsilon_transfer,
        one_epsilon,
        decay_transfer,
    )
}
MAXIMAL_UPDATE = (stable_initialisation, stable_features, bounded_logits, nontrivial, maximal_update)

__all__ = [
    "DESIDERATA",
    "MAXIMAL_UPDATE",
    "QUANTITIES",
    "Desideratum",
    "bounded_logits",
    "decay_transfer",
    "effective_update",
    "epsilon_transfer",
    "feature_diversity",
    "free_logits",
    "largest_rates",
    "largest_total_rate",
    "lazy_initialisation",
    "maximal_update",
    "non_lazy_blocks",
    "nontrivial",
    "one_epsilon",
    "one_rate",
    "prescribe",
    "relative_stability",
    "small_epsilon",
    "stable_features",
    "stable_initialisation",
    "unit_gain",
]
