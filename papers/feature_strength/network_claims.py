"""The claims that real networks judge."""

from collections.abc import Iterable

from scalewright.papers.claim import Claim
from scalewright.papers.feature_strength.activation_claims import ACTIVATION_CLAIMS
from scalewright.papers.feature_strength.network_verdicts import RIVAL_IDS, edge_rivals, other_rivals
from scalewright.papers.feature_strength.settings import BATCHES, CONVERGED, EDGED, ONLINE

PAPER = "feature-strength"
_NETWORKS = "centred MLPs of width 64 in muP, full-batch gradient descent on 16 samples of a linear target"
_IMAGES = "ReLU MLPs of width 64, online on augmented images of digits, held-out loss"
_POWERS = "derived by theory.richness from the toy; the paper prints no fitted exponent"


def _converged(kinds: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the rows of the sharpness."""
    return tuple(
        f"sharpness-{kind}-{layers}-{end}"
        for kind in kinds
        for layers in CONVERGED[kind]
        for end in ("lazy", "rich", *_controls(other_rivals(layers)))
    )


def _controls(rivals: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{RIVAL_IDS[rival]}-control" for rival in rivals)


def _online(start: str) -> tuple[str, ...]:
    return tuple(f"{start}-{layers}-{regime}" for layers in ONLINE for regime in ("lazy", "rich"))


def _edges(kinds: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the rows of the edge."""
    ids = []
    for kind in kinds:
        for layers in EDGED[kind]:
            ends = ("lazy", "rich", *_controls(edge_rivals(layers)))
            ids += [f"edge-{kind}-{layers}-{end}" for end in ends]
    return tuple(ids)


NETWORK_CLAIMS = (
    Claim(
        "T8",
        PAPER,
        "At convergence the sharpness falls as gamma^-2 in the lazy regime and as gamma^(-2/L) in the rich "
        "one, L the number of weight layers: not as 3/L, 2/(L+1) or 1.",
        f"section on the Hessian; {_POWERS}",
        "slopes -2 and -2/L, linear L = 2 ... 5, ReLU L = 2, 3, 4",
        _NETWORKS,
        "0.01 lazy; rich 0.02 linear, 0.05 ReLU, whose minima differ by the seed",
        "40 seconds",
        _converged(("linear", "relu")),
    ),
    Claim(
        "residual",
        PAPER,
        "Residual and convolutional networks have the same powers, L counting every weight layer from input "
        "to readout: a skip connection does not make a network shallower at large gamma.",
        "ours, beyond the paper: 1 + s of a residual branch obeys the equation of a weight that starts at 1 "
        "(docs/concepts/richness-of-networks.md)",
        "sharpness: -2 and -2/L, residual L = 3, 4, convolutional L = 3; largest rate: 2 and 2/L, residual "
        "L = 3",
        "residual ReLU networks and a ConvNet with ReLUs, trained and measured as in T8 and T9",
        "0.01 lazy, 0.05 rich; of the rate 0.15 and 0.1",
        "30 seconds",
        (*_converged(("residual", "convnet")), *_edges(("residual",))),
    ),
    Claim(
        "convnet-rate",
        PAPER,
        "The largest stable rate of a convolutional network grows as gamma^2 and gamma^(2/L).",
        f"abstract, where the architecture does not matter; {_POWERS}",
        "slopes 2 and 2/L, L = 3",
        "a ConvNet with ReLUs, as in T9; not at smoke scale, as it takes a minute alone",
        "0.15 lazy, 0.1 rich",
        "none at smoke scale",
        _edges(("convnet",)),
    ),
    Claim(
        "gelu",
        PAPER,
        "With GELU the Gauss-Newton sharpness and the largest rate have the powers of a ReLU. The Hessian at "
        "2 % of the loss has not: units close to their bend add a residual curvature, so that its sharpness "
        "falls more slowly.",
        "ours, beyond the paper (docs/concepts/richness-of-networks.md)",
        "-2 and -2/L, L = 2, 3; of the largest rate 2 and 2/3; the Hessian's power is above -2/3",
        f"GELU MLPs, {_NETWORKS}",
        "0.01 lazy, 0.05 rich, the Hessian above by more; of the rate 0.15 and 0.1",
        "20 seconds",
        (*_converged(("gelu",)), *_edges(("gelu",)), "hessian-gelu-3-control"),
    ),
    Claim(
        "T9",
        PAPER,
        "The largest stable learning rate grows as gamma^2 in the lazy regime and as gamma^(2/L) in the "
        "rich one: not as 3/L or 2/(L+1).",
        f"abstract, phase portraits; {_POWERS}",
        "slopes 2 and 2/L",
        f"{_NETWORKS}; end of the interval of good rates from below, paired by seeds",
        "0.15 lazy, 0.1 rich: single networks scatter at the edge",
        "40 seconds",
        _edges(("linear", "relu")),
    ),
    Claim(
        "best-rate",
        PAPER,
        "The optimal learning rate, that of lowest loss after a fixed number of online steps, grows as "
        "gamma^2 in the lazy regime and as gamma^(2/L) in the rich one.",
        f"abstract: the paper's own claim; {_POWERS}",
        "slopes 2 and 2/L, L = 2, 3",
        _IMAGES,
        "0.2 lazy, 0.15 rich: the valley of the loss is wide",
        "30 seconds",
        _online("best-rate"),
    ),
    Claim(
        "best-share",
        PAPER,
        "The optimal learning rate is one share of the largest stable one at all gammas up to 1e-2, and "
        "another at all from 10 on: there the two, which the paper does not tell apart, have one power. In "
        "between the share was seen to fall.",
        "ours, beyond the paper",
        "slope of eta*/eta_max 0 in [1e-4, 1e-2] and in [10, 1e3]; the share stands in the rows, the fall in "
        "between has none",
        _IMAGES,
        "0.2: the band of the best lazy rate",
        "30 seconds",
        _online("best-share"),
    ),
    Claim(
        "T10",
        PAPER,
        "While the loss has not moved, networks of all large gammas are one at equal rescaled time eta t / "
        "gamma: alignment curves coincide over two decades of gamma, features align before the loss moves, "
        "and the plateau of three layers ends at a rescaled time without gamma.",
        "sections on early dynamics and silent alignment; collapse measured here, not plotted there",
        "distance 0; share 1; slope 0",
        f"{_NETWORKS}, alignment of the last hidden layer",
        "0.005; 0.25; 0.05",
        "2 seconds",
        (
            "collapse-relu-3",
            "collapse-relu-3-control",
            "silent-relu-3",
            "silent-relu-3-control",
            "plateau-relu-3",
            "collapse-linear-2",
            "collapse-linear-2-control",
        ),
    ),
    Claim(
        "predictors",
        PAPER,
        "Trained networks of different large gammas are the same function at equal rescaled time, and not "
        "at equal raw time; lazy networks are another one.",
        "scatter plot of functions",
        "relative distance 0",
        "ReLU networks of 3 layers on a linear target, outputs on 256 fresh inputs",
        "0.15: what gamma^(-1/L) leaves of the initial weights",
        "5 seconds",
        ("predictors", "predictors-raw-control", "predictors-lazy-control"),
    ),
    Claim(
        "T11",
        PAPER,
        "Rich networks learn features one after another: modes of a linear task in times inverse to their "
        "strengths, the monomials of a multi-index target in their order, and the last of them far "
        "sooner than lazy ones.",
        "section on staircases; ratio and increments derived here",
        "ratio of half times 2; of their growth with log gamma 2",
        "linear MLPs of width 128 on two modes; ReLU MLPs online on (z1 + z1 z2 + z1 z2 z3)/sqrt(3)",
        "10 %; 2 %; share of the last monomial 0.4",
        "6 seconds",
        (
            "stairs-2",
            "stairs-3",
            "stairs-2-growth",
            "index-third-rich",
            "index-third-lazy-control",
            "index-order",
        ),
    ),
    Claim(
        "adam-networks",
        PAPER,
        "Under Adam the least rate that learns within a number of steps grows as gamma in the lazy regime "
        "and as gamma^(1/L) in the rich one.",
        "ours, beyond the paper, which trains by SGD",
        "slopes 1 and 1/L, L = 2, 3",
        "linear MLPs, full batches, rate times steps to half the loss",
        "0.05",
        "2 seconds",
        tuple(f"adam-{layers}-{end}" for layers in (2, 3) for end in ("lazy", "rich", "sgd-control")),
    ),
    Claim(
        "batch-size",
        PAPER,
        "A larger batch has a larger largest stable rate, in the lazy and in the rich regime, of the same "
        "powers of gamma.",
        "ours, beyond the paper, which fixes the batch",
        "slopes 2 and 2/3 at every batch size; the edge of the larger batch is higher by more than a quarter",
        "ReLU MLPs of 3 layers, online on a linear target, loss below a tenth of the first",
        "0.15; 0.25",
        "20 seconds",
        (
            *(f"batch-{size}-{regime}" for size in BATCHES for regime in ("lazy", "rich")),
            "batch-shift-lazy-control",
            "batch-shift-rich-control",
        ),
    ),
    Claim(
        "T15",
        PAPER,
        "Centring cancels digits as 1/gamma: in float32 outputs are worthless at small gamma, which is why "
        "networks below 1e-2 train in float64.",
        "practice of the paper's code; the power is ours",
        "slope of the error of float32 -1 down to gamma = 1e-3, faster below; at 1e-2 below 1e-3",
        "lazy ReLU MLPs of 3 layers, trained in both types",
        "0.1; 1e-3",
        "1 second",
        ("centring", "centring-limit", "centring-control"),
    ),
    *ACTIVATION_CLAIMS,
)
