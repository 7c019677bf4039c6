"""Which type a network is trained in, and what is refused."""

import pytest

from scalewright.nets.precision import check_precision, precision_of


def test_small_gammas_take_float64():
    assert [precision_of(gamma) for gamma in (1.0, 1e-2, 9e-3)] == ["float32", "float32", "float64"]


def test_only_centred_float32_is_refused():
    for dtype, centred in (("float64", True), ("auto", True), ("float32", False)):
        check_precision("here", 1e-4, dtype, centred=centred)
    check_precision("here", 1e-2, "float32", centred=True)
    with pytest.raises(ValueError, match=r"^here: dtype must be 'float64'.*cancels the digits"):
        check_precision("here", 1e-4, "float32", centred=True)
