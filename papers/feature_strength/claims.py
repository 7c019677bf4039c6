"""The claims of the paper that the toys and the networks can judge, and what goes beyond it."""

from scalewright.papers.claim import Claim
from scalewright.papers.feature_strength import toy_claims
from scalewright.papers.feature_strength.settings import ACTIVATIONS, LAYERS

PAPER = "feature-strength"
_NETWORKS = "centred MLPs of width 64 in muP, full-batch gradient descent on 16 samples of a linear target"


def _sharpness() -> tuple[str, ...]:
    ids = []
    for activation in ACTIVATIONS:
        for layers in LAYERS:
            ids += [f"sharpness-{activation}-{layers}-{end}" for end in ("lazy", "rich")]
            if layers > 2:
                ids += [f"sharpness-{activation}-{layers}-{rival}-control" for rival in _RIVALS[layers]]
    return tuple(ids)


#: Rivals of the exponent 2/L that differ from it by more than the band.
_RIVALS = dict.fromkeys((3, 4), ("three", "deeper", "one"))

CLAIMS = (
    *toy_claims.CLAIMS,
    Claim(
        "T8",
        PAPER,
        "At convergence the sharpness falls as gamma^-2 in the lazy regime and as gamma^(-2/L) in the rich "
        "one, L the number of weight layers: not as 3/L, 2/(L+1) or 1.",
        "section on the Hessian at convergence; exponents fitted here, the paper prints none",
        "slopes -2 and -2/L",
        _NETWORKS,
        "0.01 lazy; rich 0.02 linear, 0.05 ReLU",
        "40 seconds",
        _sharpness(),
    ),
)
