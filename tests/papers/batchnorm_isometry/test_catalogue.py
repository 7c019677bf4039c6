"""Every stage is run, judged and drawn at micro scale; rows have names of their own, pictures captions."""

import io

import numpy as np
import pytest

from scalewright.papers.batchnorm_isometry import catalogue, settings
from scalewright.papers.batchnorm_isometry.claims import CLAIMS
from scalewright.sim import data, idx


@pytest.fixture(scope="session")
def rows(results):
    return [*catalogue.judge_chain(results), *catalogue.judge_beyond(results)]


@pytest.fixture(scope="session")
def pictures(results):
    return catalogue.draw_all(results, "smoke")


def test_a_scale_whose_images_are_missing_is_refused_at_once(tmp_path, monkeypatch):
    """Not after an hour of chains."""
    monkeypatch.setenv("SCALEWRIGHT_DATA", str(tmp_path))
    monkeypatch.setattr(idx, "DEBIAN", tmp_path)
    data._images.cache_clear()
    with pytest.raises(ValueError, match="apt-get install dataset-fashion-mnist"):
        settings.scale_of("full")
    assert settings.scale_of("smoke").data == "digits"


def test_every_stage_has_a_name_of_its_own(micro, results):
    stages = [*catalogue.chain(micro, "cpu"), *catalogue.beyond(micro, "cpu")]
    assert len(stages) == len(results)


def test_every_row_has_a_name_of_its_own_and_a_reason(rows):
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.basis and row.statement for row in rows)


def test_every_claim_points_to_rows_that_exist_at_these_widths(rows):
    """The rates at d = 32 and 64, and the batches of a width of 256, are not measured at micro scale."""
    known = {row.id for row in rows} | {f"rate-{d}{end}" for d in (32, 64) for end in ("", "-control")}
    known |= {"drawn-constant-64", "wide-4", "wide-8"}
    for claim in CLAIMS:
        assert set(claim.checks) <= known, claim.id
        assert len(set(claim.checks)) == len(claim.checks)


def test_every_row_with_a_control_in_its_name_must_be_missed(rows):
    for row in rows:
        if row.id.endswith("-control"):
            assert row.expected == "break", row.id


def test_families_are_sorted_by_their_number(results):
    assert list(catalogue.family(results, "decay-")) == [8, 16]
    assert list(catalogue.family(results, "training-linear-")) == [2, 3]


def test_every_picture_has_its_caption_and_no_caption_is_left_over(pictures):
    assert set(pictures) == set(catalogue.CAPTIONS)
    assert all(caption.endswith(".") for caption in catalogue.CAPTIONS.values())


def test_every_picture_can_be_read_and_renders(pictures):
    for name, figure in pictures.items():
        for ax in figure.axes:
            assert ax.get_xlabel(), name
            assert ax.get_ylabel(), name
            assert ax.lines or ax.collections or ax.patches, name
            assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all(), name
            named = [] if ax.get_legend() is None else [text.get_text() for text in ax.get_legend().texts]
            assert len(set(named)) == len(named), name
        assert any(ax.get_legend() for ax in figure.axes), name
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
        assert buffer.getvalue().startswith(b"<?xml"), name
