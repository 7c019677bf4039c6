"""Everything the paper's reproduction runs, in order, and how each result is judged and drawn."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import xarray as xr

from scalewright.papers.stages import Stage
from scalewright.papers.super_consistency import (
    figures,
    linear_networks,
    relu_networks,
    settings,
    toy,
    toy_verdicts,
    verdicts,
)
from scalewright.papers.super_consistency.settings import PARAMETRIZATIONS, Scale
from scalewright.sim.verdict import Verdict

Results = Mapping[str, xr.Dataset]

TOY_WIDTHS = tuple(2**k for k in range(6, 19, 2))
TOY_TRANSFER_WIDTHS = (64, 256, 1024, 4096, 65536)
TOY_TRANSFER_DRAWS = 500


def chain(scale: Scale, device: str) -> list[Stage]:
    """Return the stages of the main chain: predict, measure and compare on the digits."""
    trained, drawn = partial(linear_networks.agreement, device=device), linear_networks.draws
    swept, followed = (
        partial(relu_networks.transfer, device=device),
        partial(relu_networks.consistency, device=device),
    )
    return [
        *(Stage(f"agreement-{name}", partial(trained, scale, name)) for name in PARAMETRIZATIONS),
        *(Stage(f"draws-{name}", partial(drawn, scale, name)) for name in PARAMETRIZATIONS),
        Stage("fixed-rate-sp", partial(linear_networks.fixed_rate, scale, device=device)),
        *(Stage(f"transfer-{name}", partial(swept, scale, name)) for name in ("mup", "sp")),
        *(Stage(f"consistency-{name}", partial(followed, scale, name)) for name in ("mup", "ntp")),
        Stage("spectra-mup", partial(relu_networks.spectra, scale, "mup", device=device)),
    ]


def beyond(scale: Scale, device: str) -> list[Stage]:
    """Return the further stages that only the paper's claims need: toys and random features."""
    draws = 60 if scale.name == "smoke" else 240
    whitened = partial(toy.whitened, widths=TOY_WIDTHS, draws=draws)
    swept = partial(toy.transfer, widths=TOY_TRANSFER_WIDTHS, draws=TOY_TRANSFER_DRAWS)
    frozen = partial(relu_networks.consistency, scale, "mup", features=False, device=device)
    return [
        *(Stage(f"whitened-{name}", partial(whitened, name)) for name in ("mup", "ntp")),
        *(Stage(f"toy-transfer-{name}", partial(swept, name)) for name in ("mup", "ntp")),
        Stage("random-features", frozen),
    ]


def judge_chain(results: Results) -> list[Verdict]:
    """Return the rows of the main chain."""
    rows: list[Verdict] = []
    for name in PARAMETRIZATIONS:
        rows += verdicts.agreement(results[f"agreement-{name}"])
    for name in PARAMETRIZATIONS:
        rows += verdicts.draws(results[f"draws-{name}"])
    for name in ("mup", "ntp"):
        rows += verdicts.networks_and_draws(results[f"agreement-{name}"], results[f"draws-{name}"])
    rows += verdicts.fixed_rate(results["fixed-rate-sp"])
    for name in ("mup", "sp"):
        rows += verdicts.transfer(results[f"transfer-{name}"])
    return rows + verdicts.consistency(results["consistency-mup"], results["consistency-ntp"])


def judge_beyond(results: Results) -> list[Verdict]:
    """Return the rows of the toys and of random features."""
    rows: list[Verdict] = []
    for name in ("mup", "ntp"):
        rows += toy_verdicts.whitened(results[f"whitened-{name}"])
    for name in ("mup", "ntp"):
        rows += toy_verdicts.transfer(results[f"toy-transfer-{name}"])
    rows += toy_verdicts.random_features(results["random-features"], results["consistency-mup"])
    rows += toy_verdicts.dominance(results["draws-mup"], results["draws-ntp"])
    return rows


def draw_chain(results: Results, limits: Results) -> dict[str, Any]:
    """Return the pictures of the main chain by name."""
    drawn = {n: results[f"draws-{n}"] for n in PARAMETRIZATIONS}
    trained = {n: results[f"agreement-{n}"] for n in PARAMETRIZATIONS}
    return {
        **{f"agreement-{n}": figures.plot_agreement(trained[n], limits[n]) for n in PARAMETRIZATIONS},
        "slopes": figures.plot_slopes(drawn, trained),
        "fixed-rate-sp": figures.plot_fixed_rate(results["fixed-rate-sp"]),
        "transfer": figures.plot_transfer({n: results[f"transfer-{n}"] for n in ("mup", "sp")}),
        "consistency": figures.plot_consistency({n: results[f"consistency-{n}"] for n in ("mup", "ntp")}),
        "spectra": figures.plot_spectra(results["spectra-mup"]),
    }


def draw_beyond(results: Results) -> dict[str, Any]:
    """Return the pictures of the toys and of random features by name."""
    return {
        "toy-slopes": figures.plot_toy({n: results[f"whitened-{n}"] for n in ("mup", "ntp")}),
        "toy-transfer": figures.plot_toy_transfer({n: results[f"toy-transfer-{n}"] for n in ("mup", "ntp")}),
        "random-features": figures.plot_consistency(
            {"trained features": results["consistency-mup"], "random features": results["random-features"]}
        ),
    }


def limits(scale: Scale) -> dict[str, xr.Dataset]:
    """Return the infinite-width trajectories that the pictures show beside the networks."""
    return {name: linear_networks.limit(scale, name) for name in PARAMETRIZATIONS}


def draw_all(results: Results, scale: str) -> dict[str, Any]:
    """Return every picture of the paper by name."""
    return draw_chain(results, limits(settings.scale_of(scale))) | draw_beyond(results)


_AGREEMENT = (
    "Two-layer linear networks on the digits. Dots: trained networks, measured by automatic "
    "differentiation. Lines: the exact "
    "dynamics, started from each network's own initial Gram matrix. Dashed: the infinite-width limit. "
)
CAPTIONS = {
    "agreement-mup": _AGREEMENT
    + "Under muP every curve tends to its limit, and the sharpness rises at every width.",
    "agreement-ntp": _AGREEMENT
    + "Under NTP the sharpness rises less the wider the network: the evolution slows down as 1/N.",
    "agreement-sp": _AGREEMENT
    + "Under SP at the rate 1/N the sharpness stays where it is already at moderate widths.",
    "slopes": "Width exponents. Circles: means over independent initial draws of the exact dynamics, "
    "with 95 % bars and fitted "
    "lines; hollow: below N = 256, where finite-width corrections bend the line, not fitted. Crosses: "
    "trained networks.",
    "fixed-rate-sp": "SP at the rate that suits the smallest width. The sharpness grows with N, the "
    "edge of stability does not: "
    "from some width on training diverges, at the step that the exact dynamics predicts.",
    "transfer": "ReLU networks. Loss against learning rate: median over seeds, band: the middle 80 %. "
    "Dotted: the optimum of each width. Under muP they coincide, under SP they fall as 1/N (right).",
    "consistency": "Sharpness of the ReLU networks along training. Under muP the curves of all widths "
    "lie on each other; under "
    "NTP the wider the network, the less it sharpens.",
    "spectra": "ReLU networks under muP: top eigenvalues of the Hessian H, of its Gauss-Newton part G, "
    "of the rest R, "
    "and of the NTK, measured by Lanczos iterations. G carries the sharpness; R fades with the residual.",
    "toy-slopes": "Whitened toy: four inputs, one output, widths 64 to 2^18. The sharpening, the "
    "residual part and the spread over draws.",
    "toy-transfer": "Graded toy: loss after 60 steps. Under muP the best rate (dotted) is the same at "
    "every width; under NTP it drifts.",
    "random-features": "ReLU networks under muP. Left: all layers trained, the sharpness rises. Right: "
    "only the readout trained "
    "(random features), the sharpness stays where it was.",
}
