"""The claims of the paper that the digits, the ReLU network and the exact toys can judge."""

from scalewright.papers.claim import Claim

PAPER = "super-consistency"
_NETWORKS = "networks trained on the digits, spectra by Lanczos on automatic-differentiation products"
_EXACT = "the exact closed dynamics over independent initial draws"


def _rates(name: str) -> tuple[str, ...]:
    toys = tuple(f"toy-{what}-{name}" for what in ("sharpening", "residual", "spread"))
    return (*toys, f"slope-sharpening-{name}", f"slope-residual-{name}")


CLAIMS = (
    Claim(
        "C1",
        PAPER,
        "Under muP the sharpness along training is the same at every width, and so is "
        "the optimal learning rate; "
        "under NTP the dynamics of the sharpness depends on the width.",
        "abstract; figure 1 (there a convolutional network)",
        "slope of log S against log N: 0; slope of the optimal rate: 0",
        _NETWORKS,
        "0.05 (S) and 0.1 (rate): finite-width corrections from width 64 on",
        "2 minutes",
        ("consistency-mup", "transfer-mup", "consistency-ntp-control"),
    ),
    Claim(
        "C6",
        PAPER,
        "Progressive sharpening needs feature learning: with random features the sharpness does not grow.",
        "flag --random_features of the authors' code; our derivation: the Hessian in the readout is constant",
        "relative change of S: 0",
        _NETWORKS,
        "0.05: five times the eigenvalues' residual",
        "20 seconds",
        ("random-features", "random-features-control"),
    ),
    Claim(
        "C8",
        PAPER,
        "In the two-layer linear network the Gauss-Newton part carries the sharpness "
        "under muP at every width; "
        "under NTP the evolution of the sharpness slows down with width.",
        "captions of the two-layer linear figures",
        "share of G: 1; slope of |S(T) - S(0)| under NTP: -1",
        _EXACT,
        "0.05 each: R falls with the residual; finite-width corrections",
        "30 seconds",
        ("dominance-mup", "slowing-ntp", "super-consistency-ntp-control"),
    ),
    Claim(
        "rates-mup",
        PAPER,
        "Under muP every spectral quantity of the two-layer linear network keeps "
        "its size and its amount of change "
        "at every width; draws differ by N^-1/2.",
        "our derivation (docs/concepts/linear-networks.md)",
        "slopes of |S(T)-S(0)| and lambda_max(R): 0; of the spread: -1/2",
        _EXACT,
        "0.1, 0.05, 0.1",
        "10 seconds",
        _rates("mup"),
    ),
    Claim(
        "rates-ntp",
        PAPER,
        "Under NTP the sharpening vanishes as 1/N and the residual part of the Hessian as N^-1/2.",
        "our derivation (docs/concepts/linear-networks.md)",
        "slopes -1 and -1/2; of the spread: -1/2",
        _EXACT,
        "0.1, 0.05, 0.1",
        "10 seconds",
        _rates("ntp"),
    ),
    Claim(
        "rates-sp",
        PAPER,
        "Under SP at the rate 1/N the sharpening vanishes as N^-2 and the residual "
        "part as 1/N: lazier than NTP.",
        "our derivation; beyond the paper",
        "slopes -2 and -1",
        _EXACT,
        "0.1 and 0.05: finite-width corrections",
        "20 seconds",
        ("slope-sharpening-sp", "slope-residual-sp"),
    ),
    Claim(
        "closure",
        PAPER,
        "The discrete dynamics of the two-layer linear network closes on a (D+K) x "
        "(D+K) Gram matrix, and its "
        "full Hessian's top eigenvalue on (D+K)^2 unknowns, at every width and for any number of outputs.",
        "our theorem (docs/concepts/linear-networks.md)",
        "relative error: 0",
        _NETWORKS,
        "1e-8: rounding",
        "1 minute",
        tuple(f"agreement-{name}{end}" for name in ("mup", "ntp", "sp") for end in ("", "-control")),
    ),
    Claim(
        "transfer-toy",
        PAPER,
        "In the two-layer linear network the best learning rate transfers "
        "across width under muP, not under NTP.",
        "captions of the two-layer linear figures",
        "slope of the best rate: 0 (muP), not 0 (NTP)",
        _EXACT,
        "0.017: one step of the grid over the range of widths",
        "20 seconds",
        ("toy-transfer-mup", "toy-transfer-ntp-control"),
    ),
    Claim(
        "sp-rate",
        PAPER,
        "Under SP one learning rate does not serve all widths: the optimum falls as "
        "1/N and a fixed rate diverges.",
        "derived by the exponent solver",
        "slope of the optimal rate: -1",
        _NETWORKS,
        "0.15: finite-width corrections",
        "1 minute",
        ("transfer-sp", "transfer-sp-control", "fixed-rate-sp", "fixed-rate-sp-control"),
    ),
)
