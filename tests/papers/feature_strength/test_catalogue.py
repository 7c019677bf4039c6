"""Every stage with networks is run, judged and drawn at micro scale; rows, claims and pictures fit."""

import io

import numpy as np
import pytest

from scalewright.papers.feature_strength import catalogue, network_catalogue, settings
from scalewright.papers.feature_strength.network_claims import NETWORK_CLAIMS


@pytest.fixture(scope="session")
def rows(results):
    return network_catalogue.judge(results)


def test_every_row_has_a_name_of_its_own_and_a_reason(rows):
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.basis and row.statement for row in rows)


def test_every_claim_points_to_rows_that_exist_and_every_row_to_a_claim(rows):
    known, asked = {row.id for row in rows}, [check for claim in NETWORK_CLAIMS for check in claim.checks]
    assert known == set(asked)
    assert len(set(asked)) == len(asked)


def test_every_row_with_a_control_in_its_name_must_be_missed(rows):
    for row in rows:
        assert (row.expected == "break") == row.id.endswith("-control"), row.id


def test_what_a_grid_does_not_hold_is_undecided_and_says_so(rows):
    """Three steps online reach no optimum: the rows are there, and say why they have no number."""
    open_rows = [row for row in rows if not np.isfinite(row.measured)]
    assert open_rows
    assert {row.verdict for row in open_rows} == {"undecided"}
    assert any("not fitted: at gamma" in row.statement for row in open_rows)


def test_every_picture_has_its_caption_and_renders(results):
    pictures = network_catalogue.draw(results)
    assert set(pictures) == set(network_catalogue.CAPTIONS)
    for name, figure in pictures.items():
        for ax in figure.axes:
            assert ax.get_xlabel(), name
            assert ax.get_ylabel(), name
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
        assert buffer.getvalue().startswith(b"<?xml"), name


def test_stages_have_names_of_their_own_and_scales_grow():
    for scale in settings.SCALES.values():
        names = [stage.name for stage in (*catalogue.chain(scale, "cpu"), *catalogue.beyond(scale, "cpu"))]
        assert len(set(names)) == len(names)
    assert min(settings.STANDARD.edge_seeds.values()) >= 5
    assert settings.scale_of("smoke") is settings.SMOKE
    with pytest.raises(ValueError, match="scale must be one of smoke, standard, full; given 'huge'"):
        settings.scale_of("huge")
