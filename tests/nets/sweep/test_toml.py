"""Grids from TOML files."""

import re

import numpy as np
import pytest

from scalewright.nets import sweep
from scalewright.nets.sweep import toml

GOOD = """
name = "edge"
[fixed]
model = "mlp"
quantities = ["sharpness"]
[axes]
lr = {geomspace = [0.01, 100, 5]}
gamma = {linspace = [1, 2, 3]}
width = [64, 128]
seed = {range = [0, 4]}
"""


def test_identity_a_file_is_the_call(tmp_path):
    """Identity: the same grid as the call with the same keys; the file names it if it names nothing."""
    path = tmp_path / "rates.toml"
    path.write_text(GOOD)
    called = sweep.grid(
        "edge",
        lr=np.geomspace(0.01, 100, 5),
        gamma=[1, 1.5, 2],
        width=[64, 128],
        seed=range(4),
        model="mlp",
        quantities=["sharpness"],
    )
    assert toml.read(path) == called
    path.write_text(GOOD.replace('name = "edge"', ""))
    assert toml.read(path).name == "rates"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[fixed]", "[fix]", "keys must be among name, fixed, axes; given 'fix'"),
        ("[fixed]", "fixed = 3\n[other]", "keys must be among name, fixed, axes; given 'other'"),
        ('name = "edge"', "name = 3", "name must be text; given 3"),
        ("[axes]", "width = 8\n[axes]", "width must be fixed or an axis; given as both"),
        ("[64, 128]", "{spread = [1, 2]}", "axes.width must be a list, {geomspace = [first, last, count]}"),
        ("[64, 128]", "{linspace = [1, 2, 20000000000000]}", "axes.width: linspace can't be made of"),
        ("[64, 128]", "{geomspace = [-1, 1, 5]}", "grid: width must be at least 1; given"),
        ("[64, 128]", "64", "axes.width must be a list"),
        ("[0, 4]", "[0, 4.5]", "axes.seed: range can't be made of [0, 4.5]"),
        ("[64, 128]", "[]", "grid: axis width must have at least one value; given none"),
        ("[axes]", "[axes]\nname = [1]", "name stands outside the tables; given inside one"),
        (
            'model = "mlp"',
            "layers = [2, 3]",
            "fixed.layers must be one value (axes stand in [axes]); given [2, 3]",
        ),
        ("model =", "modell =", "given 'modell' (did you mean 'model'?)"),
        ("[axes]", "[axes", "is no TOML"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path, old, new, sentence):
    """Property: the sentence names the file or the key."""
    path = tmp_path / "grid.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ValueError, match=re.escape(sentence)):
        toml.read(path)


def test_a_missing_file(tmp_path):
    """Property: the whole sentence."""
    path = tmp_path / "none.toml"
    with pytest.raises(
        ValueError, match=f"^{re.escape(str(path))} can't be read: no such file or directory$"
    ):
        toml.read(path)
