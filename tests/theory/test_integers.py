"""Whole numbers of any kind are taken, everything else is refused in one sentence."""

import numpy as np
import pytest
import sympy

from scalewright.theory import haar, isometry
from scalewright.theory.integers import integer, is_integer


def test_every_kind_of_integer_is_taken():
    for value in (3, np.int64(3), np.uint8(3), sympy.Integer(3)):
        assert is_integer(value)
        assert integer(value, "d", function="f", least=1) == 3
    assert haar.table(np.int64(4), np.int64(3)).entries == haar.table(4, 3).entries
    assert isometry.proved_layers(np.int64(8), np.float64(1.0)) == isometry.proved_layers(8, 1.0)
    assert isometry.shaped_rate(np.float32(0.5)).value > 0


@pytest.mark.parametrize("value", [True, 3.0, "3", None, 0, -1])
def test_control_anything_else_is_refused(value):
    with pytest.raises(ValueError) as caught:
        integer(value, "d", function="f", least=1)
    assert str(caught.value) == f"f: d must be an integer of at least 1; given {value!r}"
