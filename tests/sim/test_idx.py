"""Fashion-MNIST from IDX files, made here: the header, compression, where files are looked for, bad files."""

import gzip
import struct

import numpy as np
import pytest

from scalewright.sim import data, idx

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
LABELS = np.array([3, 0, 9, 1, 1], dtype=np.uint8)


def written(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that SCALEWRIGHT_DATA names, with a compressed and a plain file of each part."""
    monkeypatch.setenv("SCALEWRIGHT_DATA", str(tmp_path))
    monkeypatch.setattr(idx, "DEBIAN", tmp_path / "nothing")
    data._images.cache_clear()
    inner = tmp_path / "fashion-mnist"
    inner.mkdir()
    for stem in ("train", "t10k"):
        (inner / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(written(IMAGES)))
        (inner / f"{stem}-labels-idx1-ubyte").write_bytes(written(LABELS))
    yield inner
    data._images.cache_clear()


@pytest.mark.parametrize("name", ["fashion-mnist", "fashion-mnist-test"])
def test_identity_what_is_written_is_read(folder, name):
    found = data.load(name, samples=4, targets="one-hot")
    assert np.array_equal(found.inputs, IMAGES[:4].reshape(4, 784) / 255)
    assert found.labels.tolist() == [3, 0, 9, 1]
    assert np.array_equal(found.targets.argmax(1), found.labels)


def test_missing_files_say_how_to_get_them(folder):
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(
        ValueError, match=r"needs train-labels-idx1-ubyte\[\.gz\] in one of .*apt-get install"
    ):
        data.load("fashion-mnist")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x00\x00\x0d\x01" + bytes(8), "is no IDX file of unsigned bytes"),
        (b"\x00", "is no IDX file of unsigned bytes"),
        (written(LABELS)[:-1], r"should hold \(5,\) bytes; it holds 4"),
        (
            written(LABELS[:3]),
            r"needs images \(P, 28, 28\) and labels \(P,\); found \(5, 28, 28\) and \(3,\)",
        ),
    ],
)
def test_bad_files_are_said(folder, content, said):
    (folder / "train-labels-idx1-ubyte").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        data.load("fashion-mnist")


def test_more_samples_than_there_are_is_refused(folder):
    with pytest.raises(ValueError, match="samples must be between 1 and 5 for fashion-mnist; given 6"):
        data.load("fashion-mnist", samples=6)


def test_the_digits_are_what_they_were():
    """Their checksum is in every stored trajectory."""
    expected = "8ccb19786ece7443259672b48fe5dbf904098f1fcb55ae0a080c47f28d85aded"
    assert data.load("digits").sha256 == expected
