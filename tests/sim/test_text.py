"""Text as bytes: windows of it, the same in every run, and what can't be read."""

import hashlib
import re

import numpy as np
import pytest

from scalewright.sim import text


@pytest.fixture
def file(tmp_path):
    """Return the path of a text of 200 bytes in which every byte says its place."""
    path = tmp_path / "text.txt"
    path.write_bytes(bytes(range(200)))
    return str(path)


def test_identity_targets_are_the_contexts_shifted_by_one(file):
    """Identity: in this text the next byte is the byte and 1; windows begin anywhere, the ends included."""
    contexts, targets = text.windows(4000, 8, path=file)
    assert (contexts.shape, targets.shape, contexts.dtype) == ((4000, 8), (4000, 8), np.int64)
    assert np.array_equal(targets, contexts + 1)
    assert np.array_equal(contexts[:, 1:], targets[:, :-1])
    # each of the 192 places is missed by 4000 draws with probability 192 exp(-4000/192) = 2e-7
    assert set(contexts[:, 0]) == set(range(192))


def test_identity_windows_are_a_function_of_the_seed(file):
    """Identity, to the byte; control: another seed has other places."""
    first, again, other = (text.windows(20, 8, seed=seed, path=file)[0] for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert not np.array_equal(first, other)


def test_identity_checksum_is_of_the_bytes(file):
    """Identity: hashlib's, of the file as it stands."""
    assert text.sha256(file) == hashlib.sha256(bytes(range(200))).hexdigest()


def test_property_default_is_the_source_of_the_installed_sympy():
    """Property: real text of some megabytes, in whole files."""
    corpus = text.corpus()
    assert len(corpus) > 5e6
    assert corpus.max() < text.VOCABULARY
    assert b"class Symbol(" in corpus.tobytes()
    contexts, targets = text.windows(3, 5)
    assert np.array_equal(contexts[:, 1:], targets[:, :-1])


def test_bad_input(file, tmp_path):
    """Property: the whole sentence."""
    empty = tmp_path / "empty.txt"
    empty.touch()
    longest = text.windows(2, 199, path=file)[0]  # control: one context and the byte after it
    assert longest[:, 0].tolist() == [0, 0]
    for path, context, sentence in (
        (file, 200, "text: context must be below the text's 200 bytes; given 200"),
        (str(empty), 8, f"text: {empty} must hold at least one byte; it is empty"),
        (f"{tmp_path}/no", 8, f"text: {tmp_path}/no can't be read: No such file or directory"),
        (str(tmp_path), 8, f"text: {tmp_path} can't be read: Is a directory"),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            text.windows(1, context, path=path)
