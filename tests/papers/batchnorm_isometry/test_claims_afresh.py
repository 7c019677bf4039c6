"""More than a third of the claims of batchnorm-isometry, measured afresh at reduced size and judged."""

from dataclasses import replace

import pytest

from scalewright.papers.batchnorm_isometry import catalogue, chains, exponent_verdicts, networks, verdicts
from scalewright.papers.batchnorm_isometry import training_verdicts as trained
from scalewright.papers.batchnorm_isometry.claims import CLAIMS
from scalewright.papers.batchnorm_isometry.settings import SMOKE
from scalewright.papers.claim import judge_claim

SCALE = replace(SMOKE, decay_seeds=20, theorem_seeds=10, draws=1000, seeds=4)
MEASURED = ("P1", "P2", "P3", "P5", "P6", "P8", "P10", "overflow")


def identity():
    return verdicts.identity(*(chains.identity(SCALE, kind) for kind in catalogue.WEIGHTS))


def steps():
    return [row for name in chains.SPECTRA for row in verdicts.one_step(chains.one_step(SCALE, name))]


def bounds():
    rows = [row for name in chains.INPUTS for row in verdicts.bound(chains.bound(SCALE, name))]
    return rows + verdicts.decay(chains.decay(SCALE, 64))


def gradients():
    flat, exploding = (chains.gradients(SCALE, kind) for kind in catalogue.WEIGHTS)
    rows = verdicts.gradients(flat, exploding) + verdicts.plateau(chains.plateau(SCALE))
    rows += verdicts.narrow(chains.narrow(SCALE))
    for rank in catalogue.RANKS:
        rows += exponent_verdicts.degenerate(chains.degenerate(SCALE, rank), rank, flat)
    return rows


def overflow():
    import torch

    runs = [networks.overflow(SCALE, dtype, device="cpu") for dtype in (torch.float32, torch.float64)]
    return trained.overflow(*runs)


def test_a_third_of_the_claims_is_reproduced():
    assert 3 * len(MEASURED) >= len(CLAIMS)
    rows = [row.to_json() for row in (*identity(), *steps(), *bounds(), *gradients(), *overflow())]
    listed = {claim.id: claim for claim in CLAIMS}
    found = {name: judge_claim(listed[name], rows)[0] for name in MEASURED}
    assert found == dict.fromkeys(MEASURED, "reproduced")


def judged(claim, rows):
    return judge_claim(next(c for c in CLAIMS if c.id == claim), [row.to_json() for row in rows])[0]


def test_control_gaussian_weights_in_the_place_of_orthogonal_ones_deviate():
    orthogonal, gaussian = (chains.identity(SCALE, kind) for kind in catalogue.WEIGHTS)
    assert judged("P1", verdicts.identity(gaussian, orthogonal)) == "deviates"


def test_control_the_spectrum_of_another_input_deviates():
    """The measured mean of one spectrum against the integral of another."""
    data = chains.one_step(SCALE, "two-groups").assign_attrs(spectrum=chains.SPECTRA["duplicate"])
    outcomes = {row.id: row.verdict for row in verdicts.one_step(data)}
    assert outcomes["expected-change-two-groups"] == "fail"


def test_control_a_rank_that_is_not_the_batchs_deviates():
    data, flat = chains.degenerate(SCALE, 16), chains.gradients(SCALE, "orthogonal")
    outcomes = {row.id: row.verdict for row in exponent_verdicts.degenerate(data, 48, flat)}
    assert outcomes == {"degenerate-48": "fail"}


@pytest.mark.slow
def test_the_rates_of_figure_1_are_reproduced():
    scale = replace(SMOKE, decay_seeds=150)
    rows = [row for width in (16, 32, 64) for row in verdicts.decay(chains.decay(scale, width))]
    assert judged("P4", rows) == "reproduced"
