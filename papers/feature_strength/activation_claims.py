"""The claims on activations that are no ReLU, all beyond the paper."""

from scalewright.papers.claim import Claim
from scalewright.papers.feature_strength.activations import HALVED, POWERS

PAPER = "feature-strength"
_OURS = "ours, beyond the paper: theory.richness.degree, docs/concepts/richness-of-networks.md"
_SETUP = "centred MLPs of width 64 in muP, full-batch gradient descent on 16 samples of a linear target"

ACTIVATION_CLAIMS = (
    Claim(
        "degree",
        PAPER,
        "What divides 2 in gamma^(2/L) is the degree of homogeneity in all weights, which for a ReLU is the "
        "number of layers: two layers with squared ReLUs have the power of three linear layers.",
        _OURS,
        "-2/S, S = 1 + p for two layers with the power p of a ReLU",
        f"{_SETUP}, trained and measured as in T8, Gauss-Newton part",
        "0.05, as for a ReLU",
        "5 seconds",
        tuple(f"degree-{power}{end}" for power in POWERS for end in ("", "-depth-control")),
    ),
    Claim(
        "bounded",
        PAPER,
        "A bounded activation has no rich regime of its own power: the readout alone can grow, so that "
        "halving the loss takes eta t of at least gamma (0.29 gamma - 1.6), in the end as gamma^2. From "
        "gamma = 100 on no ReLU network, which needs about gamma, takes that long.",
        _OURS,
        "every tanh network above the bound, gamma >= 10; no ReLU network, gamma >= 100; power 2 of gamma",
        f"tanh and ReLU MLPs, {_SETUP}, eta times steps to half the loss, which must never exceed its first "
        "value",
        "none: a share of 1 and of 0; 0.2, as features still turn over the first decades",
        "5 seconds",
        tuple(f"bounded-{layers}{end}" for layers in HALVED for end in ("", "-power", "-relu-control")),
    ),
)
