"""More than a third of the claims of super-consistency, measured afresh at reduced size and judged."""

from dataclasses import replace

import pytest

from scalewright.papers.claim import judge_claim
from scalewright.papers.reproduction import claims_of
from scalewright.papers.super_consistency import linear_networks, settings, toy, toy_verdicts, verdicts

PAPER = "super-consistency"
DRAWN_WIDTHS = (256, 1024, 4096, 16384)
TOY_WIDTHS = tuple(2**k for k in range(6, 19, 2))
#: Enough draws for the interval of every slope to fit its band, the widest spread being that of NTP.
DRAWS, TOY_DRAWS = 128, 60

MEASURED = {
    "closure": ("agreement",),
    "rates-mup": ("toys", "draws"),
    "rates-ntp": ("toys", "draws"),
    "rates-sp": ("draws",),
    "C8": ("draws",),
}


def agreement():
    scale = replace(settings.SCALES["smoke"], linear_widths=(128, 256), linear_seeds=2, linear_steps=10)
    found = [linear_networks.agreement(scale, name, device="cpu") for name in settings.PARAMETRIZATIONS]
    return [row for data in found for row in verdicts.agreement(data)]


def draws():
    scale = replace(settings.SCALES["smoke"], draw_widths=DRAWN_WIDTHS, draws=DRAWS)
    found = {name: linear_networks.draws(scale, name) for name in settings.PARAMETRIZATIONS}
    rows = [row for data in found.values() for row in verdicts.draws(data)]
    return rows + toy_verdicts.dominance(found["mup"], found["ntp"])


def toys():
    found = [toy.whitened(name, widths=TOY_WIDTHS, draws=TOY_DRAWS) for name in ("mup", "ntp")]
    return [row for data in found for row in toy_verdicts.whitened(data)]


def records(rows):
    return [row.to_json() for row in rows]


def test_a_third_of_the_claims_is_reproduced():
    listed = {claim.id: claim for claim in claims_of(PAPER)}
    assert 3 * len(MEASURED) >= len(listed)
    rows = records([*agreement(), *draws(), *toys()])
    found = {name: judge_claim(listed[name], rows) for name in MEASURED}
    assert {name: verdict for name, (verdict, _) in found.items()} == dict.fromkeys(MEASURED, "reproduced")
    assert all(len(found[name][1]) == len(listed[name].checks) for name in MEASURED)


@pytest.mark.parametrize(("claimed", "measured"), [("mup", "ntp"), ("ntp", "mup")])
def test_control_the_other_parametrization_deviates(claimed, measured):
    """The claim on the rates of one parametrization, judged on data of the other."""
    claim = next(c for c in claims_of(PAPER) if c.id == f"rates-{claimed}")
    data = toy.whitened(measured, widths=TOY_WIDTHS, draws=TOY_DRAWS)
    rows = toy_verdicts.whitened(data.assign_attrs(parametrization=claimed))
    assert judge_claim(claim, records(rows))[0] == "deviates"


def test_control_the_closure_deviates_from_another_start():
    """The prediction from another network's weights in the place of the prediction."""
    claim = next(c for c in claims_of(PAPER) if c.id == "closure")
    scale = replace(settings.SCALES["smoke"], samples=64, linear_widths=(64,), linear_seeds=2, linear_steps=3)
    data = linear_networks.agreement(scale, "ntp", device="cpu")
    swapped = data.sel(origin=["measured", "control", "predicted"]).assign_coords(origin=data.origin.values)
    assert judge_claim(claim, records(verdicts.agreement(swapped)))[0] == "deviates"
