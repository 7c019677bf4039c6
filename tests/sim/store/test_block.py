"""A block and its file: what is read is what was written, or nothing."""

import re

import h5py
import numpy as np
import pytest

from scalewright.sim.store import block as blocks
from scalewright.sim.store.block import Damaged


def same(mine, other):
    """Whether two blocks hold the same runs and numbers, to the byte."""
    return mine.digest() == other.digest() and mine.kind == other.kind


def test_identity_read_is_what_was_written(block, tmp_path):
    """Identity: keys, specifications, arrays to the byte (nan included), dimensions and provenance."""
    mine = block("a", "b", diverged=3)
    mine.values["loss"][1, 2:] = np.nan
    path = blocks.write(mine, tmp_path)
    found = blocks.read(path)
    assert (found.keys, found.specifications) == (mine.keys, mine.specifications)
    assert found.values["loss"].tobytes() == mine.values["loss"].tobytes()
    assert (found.dims, found.coordinate) == (mine.dims, "step")
    assert (found.points.tolist(), found.diverged_at.tolist()) == ([0, 1, 2, 3], [3, 3])
    assert found.provenance == mine.provenance
    assert same(found, mine)
    assert [p.name for p in tmp_path.iterdir()] == [f"{mine.name}.nc"]


def test_identity_digest_is_of_the_runs_and_not_of_their_provenance(block):
    """Identity; control: one bit of one number is another digest."""
    mine, other = block("a"), block("a")
    other.provenance["time"] = "later"
    assert mine.digest() == other.digest()
    other.values["loss"][0, 0] = np.nextafter(other.values["loss"][0, 0], np.inf)
    assert mine.digest() != other.digest()


def test_identity_rows_are_the_block_of_these_runs(block):
    """Identity: the numbers are drawn by key, so rows of a block are the block of their keys."""
    assert same(block("a", "b", "c").rows([2, 0]), block("c", "a"))


def test_identity_column_is_some_rows_in_any_order(block, tmp_path):
    """Identity with the array; None for a variable that is not there."""
    mine = block("a", "b", "c")
    path = blocks.write(mine, tmp_path)
    assert np.array_equal(blocks.column(path, "loss", [2, 0, 2]), mine.values["loss"][[2, 0, 2]])
    assert blocks.column(path, "sharpness", [0]) is None


def test_identity_file_is_a_netcdf_that_xarray_reads(block, tmp_path):
    """Identity: whoever has no scalewright reads the arrays too."""
    import xarray as xr

    mine = block("a", "b")
    with xr.open_dataset(blocks.write(mine, tmp_path), engine="h5netcdf") as data:
        assert data.loss.dims == ("run", "step")
        assert np.array_equal(data.feature_change, mine.values["feature_change"])


def test_property_a_damaged_file_never_gives_other_numbers(block, tmp_path):
    """Property: 200 truncated or scribbled files are refused in one sentence, and so is any other file.

    They never reach HDF5, which two of 1500 such files caught in a loop.
    """
    path = blocks.write(block("a", "b"), tmp_path)
    content = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    rng = np.random.default_rng(0)
    for case in range(200):
        bad = content.copy()
        bad[rng.integers(len(bad))] ^= rng.integers(1, 256, dtype=np.uint8)
        path.write_bytes(content[: rng.integers(len(content))].tobytes() if case % 2 else bad.tobytes())
        with pytest.raises(Damaged, match=f"^{path.name}: no whole block of runs$"):
            blocks.read(path)
    path.write_bytes(content.tobytes())
    assert same(blocks.read(path), block("a", "b"))
    with h5py.File(path, "w"):
        pass
    with pytest.raises(Damaged, match=f"^{path.name}: no whole block of runs$"):
        blocks.read(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda file: file.attrs.modify("scalewright_schema", "2"),
            "schema 2, where this version reads 1",
        ),
        (lambda file: file["loss"].write_direct(np.zeros((2, 4))), "its arrays are not those of its digest"),
        (lambda file: file.attrs.modify("dims", "[]"), "'list' object has no attribute 'items'"),
    ],
)
def test_bad_files(block, tmp_path, change, reason):
    """Property: the whole sentence for an older and a changed file, with a seal of their own."""
    path = blocks.write(block("a", "b"), tmp_path)
    path.write_bytes(path.read_bytes()[: -blocks.SEAL])
    with h5py.File(path, "r+") as file:
        change(file)
    path.write_bytes(blocks.sealed(path.read_bytes()))
    with pytest.raises(Damaged, match=f"^{re.escape(f'{path.name}: {reason}')}$"):
        blocks.read(path)


def test_renamed_file(block, tmp_path):
    """Property: a file's name says what is in it; the whole sentence."""
    mine, other = block("a"), block("b")
    path = blocks.write(mine, tmp_path).rename(tmp_path / f"{other.name}.nc")
    with pytest.raises(Damaged, match=f"^{other.name}.nc: holds the runs of {mine.name}$"):
        blocks.read(path)


def test_failed_write_leaves_nothing(block, tmp_path, monkeypatch):
    """Property: no half file and no temporary one where the disk gives out in the middle."""
    import pathlib

    def full(self, content):
        with open(self, "wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left on device"):
        blocks.write(block("a"), tmp_path)
    assert list(tmp_path.iterdir()) == []
