"""Every stage is run, judged and drawn at micro scale; rows have names of their own, pictures captions."""

import io

import numpy as np
import pytest

from scalewright.papers.large_learning_rates import catalogue, settings
from scalewright.papers.large_learning_rates.claims import CLAIMS


@pytest.fixture(scope="session")
def rows(results):
    return [*catalogue.judge_chain(results), *catalogue.judge_beyond(results)]


@pytest.fixture(scope="session")
def pictures(results):
    return catalogue.draw_all(results, "smoke")


def test_every_stage_has_a_name_of_its_own(micro, results):
    stages = [*catalogue.chain(micro, "cpu"), *catalogue.beyond(micro, "cpu")]
    assert len(stages) == len(results)


def test_every_row_has_a_name_of_its_own_and_a_reason(rows):
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.basis and row.statement for row in rows)


def test_every_claim_points_to_rows_that_exist(rows):
    """Micro scale has no batches of 128."""
    known = {row.id for row in rows} | {f"batch-128-{loss}" for loss in ("cross-entropy", "mse")}
    for claim in CLAIMS:
        assert set(claim.checks) <= known, claim.id
        assert len(set(claim.checks)) == len(claim.checks)


def test_every_row_with_a_control_in_its_name_must_be_missed(rows):
    for row in rows:
        if row.id.endswith("-control"):
            assert row.expected == "break", row.id


def test_every_picture_has_its_caption_and_no_caption_is_left_over(pictures):
    assert set(pictures) == set(catalogue.CAPTIONS)
    assert all(caption.endswith(".") for caption in catalogue.CAPTIONS.values())


def test_every_picture_can_be_read_and_renders(pictures):
    for name, figure in pictures.items():
        for ax in figure.axes:
            assert ax.get_xlabel(), name
            assert ax.get_ylabel(), name
            assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all(), name
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
        assert buffer.getvalue().startswith(b"<?xml"), name


def test_scales_are_known_and_data_is_resolved():
    assert settings.scale_of("smoke").data == "generated"
    assert settings.scale_of("standard").data in ("generated", "fashion-mnist")
    with pytest.raises(ValueError, match=r"^scale must be one of smoke, standard, full; given 'x'$"):
        settings.scale_of("x")
