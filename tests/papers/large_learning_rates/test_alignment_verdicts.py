"""Made-up coordinate checks: what the readout passes on, with few outputs and with many."""

import pytest

from scalewright.papers.large_learning_rates import alignment_verdicts as verdicts
from scalewright.papers.large_learning_rates import coordinates, experiments
from scalewright.papers.large_learning_rates.coordinates import Check


@pytest.mark.parametrize(("many", "power"), [(None, 0.5), (4096, 0.0)])
def test_amplification_by_the_readout(checks, many, power):
    check = Check("x", "sgd", None, 0.02, "sp-full-align", many=many)
    data = checks(check)
    data["propagating"] = data.input_change * data.width**power
    (row,) = verdicts.passed_on("x", check, data)
    assert (row.predicted, row.verdict) == (power, "pass")
    data["propagating"] = data.propagating * data.width**0.3
    assert verdicts.passed_on("x", check, data)[0].verdict == "fail"


def test_literature_the_readout_amplifies_what_its_own_rows_made():
    """SP-full-align: by n^1/2 with few outputs (Haas et al. 2025), not at all with many more than units."""
    assert coordinates.amplification(experiments.ALIGN, 4, coherent=True) == 0.5
    assert coordinates.amplification(experiments.MANY, 4, coherent=False) == 0.0
