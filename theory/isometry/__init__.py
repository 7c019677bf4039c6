"""Isometry under batch normalization: exact identities, expectations, bounds and rates.

`gap` holds the isometry gap and the one-step identity, `expected` the conditional expectation and its
Weingarten series, `statements` the paper's theorems beside sharper ones, `gradients` the gradient profile and
rates, `stationary` and `hierarchy` what happens with fewer samples than features, `shaping` activation
shaping. The text is docs/concepts/isometry.md.
"""

from scalewright.theory.isometry.expected import (
    Integral,
    duplicate_change,
    expected_change,
    expected_gap,
    gap_series,
    rank_one_change,
    rate,
    row_moment,
    series,
)
from scalewright.theory.isometry.gap import Step, gap, normalize, one_step, spectrum
from scalewright.theory.isometry.gradients import (
    gradient_profile,
    mean_field_rate,
    orthogonal_rate,
    plateau,
    symmetric_contraction,
)
from scalewright.theory.isometry.hierarchy import Growth, growth
from scalewright.theory.isometry.shaping import Rate, Summability, shaped_rate, small_gain, summability, total
from scalewright.theory.isometry.statements import (
    PLOTTED_CONSTANT,
    Bound,
    check_corollary_4,
    conjectured_layers,
    corollary_4,
    deviation,
    expected_jacobian_bound,
    jacobian_bound,
    plotted_rate_is_possible,
    proved_layers,
    second_order_bound,
    theorem_1,
    theorem_1_layers,
    theorem_3,
    theorem_5,
)
from scalewright.theory.isometry.stationary import stationary_edges, stationary_moments, stationary_variance

__all__ = [
    "PLOTTED_CONSTANT",
    "Bound",
    "Growth",
    "Integral",
    "Rate",
    "Step",
    "Summability",
    "check_corollary_4",
    "conjectured_layers",
    "corollary_4",
    "deviation",
    "duplicate_change",
    "expected_change",
    "expected_gap",
    "expected_jacobian_bound",
    "gap",
    "gap_series",
    "gradient_profile",
    "growth",
    "jacobian_bound",
    "mean_field_rate",
    "normalize",
    "one_step",
    "orthogonal_rate",
    "plateau",
    "plotted_rate_is_possible",
    "proved_layers",
    "rank_one_change",
    "rate",
    "row_moment",
    "second_order_bound",
    "series",
    "shaped_rate",
    "small_gain",
    "spectrum",
    "stationary_edges",
    "stationary_moments",
    "stationary_variance",
    "summability",
    "symmetric_contraction",
    "theorem_1",
    "theorem_1_layers",
    "theorem_3",
    "theorem_5",
    "total",
]
