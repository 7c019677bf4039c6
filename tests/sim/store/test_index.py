"""The table of runs: it follows the files, can be lost, and is of no use when it is damaged."""

import sqlite3

import pytest

from scalewright.sim.store.index import Index, Place


def test_identity_places_are_those_of_the_blocks(block, tmp_path):
    """Identity: file, row and divergence of every run; of two files with one run the first by name."""
    index = Index(tmp_path / "index.sqlite")
    index.update([], [("2.nc", (1, 2), block("a", "b")), ("1.nc", (3, 4), block("b", diverged=5))])
    assert index.places() == {"a": Place("2.nc", 0, -1), "b": Place("1.nc", 0, 5)}
    assert index.stamps() == {"1.nc": (3, 4), "2.nc": (1, 2)}
    index.update(["1.nc"], [])
    assert index.places() == {"a": Place("2.nc", 0, -1), "b": Place("2.nc", 1, -1)}
    index.close()


def test_identity_kinds_are_equal_where_the_shapes_are(block, tmp_path):
    """Identity; control: other points or another number of layers is another kind."""
    index = Index(None)
    new = [block("a"), block("b", "c"), block("d", points=5), block("e", layers=3)]
    index.update([], [(f"{place}.nc", (0, 0), found) for place, found in enumerate(new)])
    kinds = index.kinds()
    assert kinds["0.nc"] == kinds["1.nc"]
    assert len(set(kinds.values())) == 3
    index.close()


def test_identity_a_failed_change_changes_nothing(block, tmp_path):
    """Identity: the table is as it was when one row of many can't be written."""
    index = Index(tmp_path / "index.sqlite")
    index.update([], [("1.nc", (0, 0), block("a"))])
    before = index.places()
    with pytest.raises(sqlite3.Error):
        index.update(["1.nc"], [("2.nc", (0, object()), block("b"))])
    assert index.places() == before
    index.close()


def test_identity_another_process_sees_what_was_written(block, tmp_path):
    """Identity: two tables of one file; a damaged file is made anew."""
    first, second = Index(tmp_path / "index.sqlite"), Index(tmp_path / "index.sqlite")
    first.update([], [("1.nc", (0, 0), block("a"))])
    assert second.places() == first.places()
    first.close()
    second.close()
    (tmp_path / "index.sqlite").write_bytes(b"not a table" * 100)
    again = Index(tmp_path / "index.sqlite")
    assert again.places() == {}
    assert again.path is not None
    again.close()


def test_property_a_place_that_cant_be_written_is_replaced_by_memory(block, tmp_path):
    """Property: a folder where the table should be; the table works, and the folder stays."""
    (tmp_path / "index.sqlite").mkdir()
    index = Index(tmp_path / "index.sqlite")
    index.update([], [("1.nc", (0, 0), block("a"))])
    assert (index.path, list(index.places())) == (None, ["a"])
    assert (tmp_path / "index.sqlite").is_dir()
    index.close()
