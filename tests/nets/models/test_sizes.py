"""What the builders check of their sizes."""

import re

import pytest

from scalewright.nets.models.sizes import check_layers, check_sizes


def test_sizes_that_are_possible():
    """Control: the least ones pass."""
    check_layers("here", 2)
    check_sizes("here", width=1, inputs=1)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: check_layers("here", 1),
            "here: layers counts weight layers and must be at least 2; given 1",
        ),
        (lambda: check_sizes("here", width=1, inputs=0), "here: inputs must be at least 1; given 0"),
    ],
)
def test_bad_input(call, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        call()
