"""The store: whole files only, found again whatever happened to it; bad input, full disks, two writers."""

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scalewright.sim.store import Store, Sweep
from scalewright.sim.store import block as blocks

GRID = {"fixed": {"layers": 3}, "axes": {"seed": [0, 1, 2]}}


def holds(store):
    """Return the keys that a fresh look finds, and what it says of files that are none."""
    fresh = Store(store.folder)
    reasons = fresh.refresh()
    return set(fresh.places), reasons


def test_identity_what_is_added_is_found(store, block):
    """Identity: by the store that added it, by one that opens later, each block as it was."""
    store.add(block("a", "b"))
    store.add(block("c", diverged=2))
    assert set(store.places) == {"a", "b", "c"}
    assert holds(store) == ({"a", "b", "c"}, [])
    found, row = Store(store.folder).block_of("b")
    assert found.rows([row]).digest() == block("b").digest()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "no whole block of runs"),
        (lambda path: path.write_bytes(b""), "no whole block of runs"),
        (lambda path: path.write_text("width, loss\n8, 0.1\n"), "no whole block of runs"),
        (lambda path: path.rename(path.with_name("copy of mine.nc")), "holds the runs of "),
    ],
)
def test_spoilt_file_is_set_aside_and_its_runs_are_missing(store, block, spoil, reason):
    """Property: truncated, empty, foreign and renamed files keep their bytes in `aside`, with a reason."""
    store.add(block("a"))
    store.add(block("b"))
    spoil(store.blocks / f"{block('a').name}.nc")
    (content,) = (p.read_bytes() for p in store.blocks.iterdir() if p.name != f"{block('b').name}.nc")
    keys, reasons = holds(store)
    assert keys == {"b"}
    (kept,) = store.aside_folder.iterdir()
    assert kept.read_bytes() == content
    (said,) = reasons
    assert said.startswith(kept.name.rpartition(".")[0] + ": " + reason)
    assert said.endswith(f"; it was set aside as aside/{kept.name}")
    assert holds(store) == ({"b"}, [])  # said once
    store.refresh()
    store.add(block("a"))  # computed again
    assert holds(store) == ({"a", "b"}, [])
    assert store.status().aside == (kept.name,)


def test_file_of_another_schema_is_set_aside(store, block, monkeypatch):
    """Property: the whole sentence."""
    monkeypatch.setattr(blocks, "SCHEMA", 2)
    path = blocks.write(block("a"), store.blocks)
    monkeypatch.undo()
    keys, (said,) = holds(store)
    assert keys == set()
    assert re.fullmatch(
        rf"{path.name}: schema 2, where this version reads 1; it was set aside as aside/{path.name}.\d+", said
    )


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"not a table" * 99)])
def test_identity_index_is_made_again_from_the_files(store, block, spoil):
    """Identity: deleted or damaged, the same runs are found, and the table is on the disk again."""
    store.add(block("a", "b"))
    before = dict(store.places)
    store._index.close()
    spoil(store.folder / "index.sqlite")
    again = Store(store.folder)
    assert again.refresh() == []
    assert again.places == before
    assert again._index.path is not None


def test_property_index_damaged_under_way_is_done_without(store, block):
    """Property: a table that breaks while it is in use is replaced by one in memory."""
    store.add(block("a", "b"))
    store._index._connection.execute("DROP TABLE runs")
    store.add(block("c"))
    store.refresh()
    assert set(store.places) == {"a", "b", "c"}


def test_property_two_stores_writing_at_once_lose_nothing(store, block):
    """Property: two writers of the same and of different blocks; every run is there once."""
    names = [[f"{writer}{place}" for place in range(12)] for writer in "xy"]
    shared = [f"z{place}" for place in range(6)]

    def write(keys):
        mine = Store(store.folder)
        for key in keys:
            mine.add(block(key))
            mine.refresh()
        return set(mine.places)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(write, [names[0] + shared, names[1] + shared]))
    everything = {*names[0], *names[1], *shared}
    assert found[0] | found[1] == everything
    assert holds(store) == (everything, [])
    assert len(list(store.blocks.iterdir())) == len(everything)
    assert not list(store.folder.rglob("*.part"))


@pytest.mark.parametrize(
    ("number", "said"),
    [(28, "its disk is full"), (122, "its disk is full"), (13, "permission denied")],
)
def test_a_full_disk_is_one_sentence_and_leaves_the_store_as_it_was(store, block, monkeypatch, number, said):
    """Property: half of the bytes are written, then OSError; nothing is left, what was there is there."""
    store.add(block("a"))
    before = sorted(p.name for p in store.blocks.iterdir())

    def full(self, content, **_):
        with open(self, "w" if isinstance(content, str) else "wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(number, os.strerror(number))

    sentence = (
        f"store {store.folder} can't be written: {said}; what it holds is whole: make room and run the "
        "same again, and only what is missing is computed"
    )
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        patch.setattr(Path, "write_text", full)
        for write in (
            lambda: store.add(block("b")),
            lambda: store.remember(Sweep("mine", GRID, ("a",))),
        ):
            with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
                write()
    assert store.sweeps() == []
    assert sorted(p.name for p in store.blocks.iterdir()) == before
    assert not list(store.folder.rglob("*.part"))
    assert holds(store) == ({"a"}, [])
    store.add(block("b"))  # after making room
    assert holds(store) == ({"a", "b"}, [])


def test_a_disk_that_is_really_full(tmp_path):
    """Property: a process that may not write longer files gets the sentence, and ends as processes end.

    HDF5 itself, met by such a disk, kept the file half open and ended the process with a fault later.
    """
    script = """
import gc, resource, sys
import numpy as np
from scalewright.sim.store import Block, Store
def block(key, points):
    values = {"loss": np.zeros((1, points))}
    return Block((key,), ({},), "step", np.arange(points), values, {"loss": ()}, np.array([-1]))
store = Store(sys.argv[1])
store.add(block("a", 2))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.add(block("b", 50_000))
except ValueError as error:
    print(error)
gc.collect()
print(store.status().runs, store.status().files)
"""
    folder = tmp_path / "runs"
    command = [sys.executable, "-c", script, str(folder)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50)
    first, second = outcome.stdout.splitlines()
    assert first.startswith(f"store {folder} can't be written: file too large; what it holds is whole: ")
    assert second == "1 1"
    assert not list(folder.rglob("*.part"))


def test_status_counts(store, block):
    """Property: runs, divergences, files, bytes, and what is there of each sweep."""
    store.add(block("a", "b"))
    store.add(block("c", diverged=2))
    store.remember(Sweep("mine", GRID, ("a", "c", "z")))
    found = store.status()
    assert (found.runs, found.diverged, found.files, found.aside) == (3, 1, 2, ())
    assert found.size == sum(p.stat().st_size for p in store.blocks.iterdir())
    assert found.sweeps == {"mine": (2, 3, 1)}


def test_prune_deletes_what_no_sweep_wants(store, block):
    """Property: files of no sweep and abandoned ones go; a file with one wanted run stays."""
    for new in (block("a", "b"), block("c"), block("d", "e")):
        store.add(new)
    now = time.time()
    for name, age in ((".half.1.part", 7200), (".writing.2.part", 10)):
        (store.blocks / name).touch()
        os.utime(store.blocks / name, (now - age, now - age))
    store.remember(Sweep("mine", GRID, ("a",)))
    assert store.prune(dry=True) == (2, 3)
    assert holds(store)[0] == {"a", "b", "c", "d", "e"}
    assert store.prune() == (2, 3)
    assert holds(store)[0] == {"a", "b"}
    left = sorted(p.name for p in store.blocks.iterdir())
    assert left == [".writing.2.part", f"{block('a', 'b').name}.nc"]  # another process may be at it
    assert store.prune() == (0, 0)


def test_sweeps_are_remembered_and_may_grow(store):
    """Property: by name, in order; a wider grid replaces the old one, another one is refused."""
    store.remember(Sweep("b", GRID, ("a",)))
    store.remember(Sweep("a", GRID, ("a",)))
    wider = {**GRID, "axes": {"seed": [0, 1, 2, 3]}}
    store.remember(Sweep("b", wider, ("a", "b")))
    assert [(sweep.name, sweep.keys) for sweep in store.sweeps()] == [("a", ("a",)), ("b", ("a", "b"))]
    sentence = (
        f"sweep 'b' is stored in {store.folder} with another grid: layers was 3 and is 4; "
        "give the new grid another name"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        store.remember(Sweep("b", {**wider, "fixed": {"layers": 4}}, ("c",)))
    assert store.sweep("b").keys == ("a", "b")


@pytest.mark.parametrize("name", ["", "../x", ".x", "a b", "a/b"])
def test_bad_sweep_name(store, name):
    """Property: the whole sentence, and no file."""
    sentence = f"sweep: name must be up to 100 letters, digits, dots, dashes and underscores; given {name!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        store.remember(Sweep(name, GRID, ()))
    assert list(store.sweeps_folder.iterdir()) == []


def test_unknown_sweep(store):
    """Property: the whole sentence, with the known names."""
    with pytest.raises(
        ValueError, match=f"^{re.escape(f'store {store.folder}: sweep must be one of none; given')} 'x'$"
    ):
        store.sweep("x")
    store.remember(Sweep("mine", GRID, ()))
    sentence = f"store {store.folder}: sweep must be one of mine; given 'x'"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        store.sweep("x")


def test_bad_folders(tmp_path):
    """Property: the whole sentence for a place that is no store, and nothing is changed there."""
    file, other, older, broken = (tmp_path / name for name in ("file", "other", "older", "broken"))
    file.touch()
    for folder in (other, older, broken):
        folder.mkdir()
    (other / "notes.txt").touch()
    (older / "scalewright-store.json").write_text(json.dumps({"schema": 0}))
    (broken / "scalewright-store.json").write_text("{")
    for folder, sentence in (
        (file, "must be a folder; given a file"),
        (other, "is a folder of other things; give a new or empty one"),
        (
            older,
            "has schema 0, and this version reads 1: give another folder, or read it with the version that "
            "made it",
        ),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(f'store {folder} {sentence}')}$"):
            Store(folder)
    sentence = (
        f"store {broken}: scalewright-store.json can't be read; write "
        '{"schema": 1} into it if the store is of this version'
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Store(broken)
    sentence = f"store {tmp_path}/new does not exist; `scalewright sweep GRID.toml` makes one"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Store(tmp_path / "new", create=False)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken", "file", "older", "other"]
    assert [p.name for p in other.iterdir()] == ["notes.txt"]


def test_property_a_store_whose_maker_was_killed_is_made_again(tmp_path):
    """Property: half of the folders and a half-written mark; control: a stranger's file beside them."""
    folder = tmp_path / "runs"
    (folder / "blocks").mkdir(parents=True)
    (folder / ".scalewright-store.json.1.2.part").touch()
    assert Store(folder).status().runs == 0
    (folder / "scalewright-store.json").unlink()
    (folder / "notes.txt").touch()
    with pytest.raises(ValueError, match="is a folder of other things"):
        Store(folder)


def test_property_a_table_is_made_again_a_few_files_at_a_time(store, block, monkeypatch):
    """Property: never more blocks in memory than `AT_ONCE`, and every run is found."""
    from scalewright.sim.store.index import Index

    for name in "abcde":
        store.add(block(name))
    (store.folder / "index.sqlite").unlink()
    held, honest = [], Index.update

    def update(self, gone, found):
        held.append(len(list(found)))
        honest(self, gone, found)

    monkeypatch.setattr(Index, "update", update)
    monkeypatch.setattr("scalewright.sim.store.folder.AT_ONCE", 2)
    again = Store(store.folder)
    again.refresh()
    assert held == [2, 2, 1]
    assert set(again.places) == set("abcde")
