"""Files are written whole or not at all, and plain data has nothing that JSON lacks."""

import json
import threading
from pathlib import Path

import pytest

from scalewright.sim import files


def test_text_and_bytes_come_back(tmp_path):
    assert files.write_text(tmp_path / "a.txt", "η ∝ γ²\n").read_text(encoding="utf-8") == "η ∝ γ²\n"
    assert files.write_bytes(tmp_path / "a.bin", b"\x00\xff").read_bytes() == b"\x00\xff"
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "a.bin"}


def test_failed_writer_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = files.write_text(tmp_path / "a.txt", "old")

    def full(self, content):
        with open(self, "wb") as half:
            half.write(content[: len(content) // 2])
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        files.write_text(path, "new and longer")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_of_many_writers_one_wins(tmp_path):
    path, contents = tmp_path / "a.bin", [bytes([k]) * 10_000 for k in range(8)]
    writers = [threading.Thread(target=files.write_bytes, args=(path, content)) for content in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_bytes() in contents
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_plain_data_is_json():
    given = {1: (1.0, float("nan")), "a": {"b": [float("inf"), "text", None, True]}}
    found = files.plain(given)
    assert found == {"1": [1.0, None], "a": {"b": [None, "text", None, True]}}
    assert json.loads(json.dumps(found, allow_nan=False)) == found
