"""The loss landscape of linear networks: exact dynamics and curvature, with proofs that can be run again.

`theorems`, `whitened.derivation` and `balanced.derivation` hold the proofs; `TwoLayer` and `DeepLinear` exact
networks; `whitened` the closed form of two layers under muP at infinite width; `balanced` that of any number
of layers. Nothing is derived at import. The text is docs/concepts/linear-networks.md.
"""

from scalewright.theory.landscape import balanced, theorems, whitened
from scalewright.theory.landscape.balanced import (
    balanced_mode,
    gauss_newton_top,
    hessian_top,
    residual_top,
)
from scalewright.theory.landscape.deep import DeepLinear
from scalewright.theory.landscape.derivation import Check, Derivation, Step
from scalewright.theory.landscape.lifted import bulk_polynomial, lifted_hessian, lifted_operator
from scalewright.theory.landscape.two_layer import TwoLayer

__all__ = [
    "Check",
    "DeepLinear",
    "Derivation",
    "Step",
    "TwoLayer",
    "balanced",
    "balanced_mode",
    "bulk_polynomial",
    "gauss_newton_top",
    "hessian_top",
    "lifted_hessian",
    "lifted_operator",
    "residual_top",
    "theorems",
    "whitened",
]
