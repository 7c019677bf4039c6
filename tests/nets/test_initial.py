"""Initial weights depend on (seed, name, width) alone, and on no global state."""

import re

import numpy as np
import pytest
import torch

from scalewright.nets.initial import resolve_gains, standard_normal
from scalewright.nets.models import mlp


def test_identity_same_key_same_bytes_other_key_other_numbers():
    """Identity, with its control: changing any part of the key changes the numbers."""
    base = {"seed": 1, "name": "input.weight", "width": 4}
    first = standard_normal((4, 3), **base)
    assert first.tobytes() == standard_normal((4, 3), **base).tobytes()
    for change in ({"seed": 2}, {"name": "readout.weight"}, {"width": 5}):
        assert not np.array_equal(first, standard_normal((4, 3), **{**base, **change}))


def test_property_draws_are_standard_normal():
    """Property: mean and variance within 4 standard errors of 40 000 draws."""
    draws = standard_normal((40000,), seed=0, name="w", width=1)
    assert abs(draws.mean()) < 4 / 200
    assert abs(draws.var() - 1) < 4 * np.sqrt(2) / 200


def test_identity_global_generators_are_not_touched(ensemble):
    """Identity: torch's and numpy's global states are the same before and after building an ensemble."""
    torch_before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    ensemble()
    assert torch.equal(torch_before, torch.random.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])  # noqa: NPY002
    torch.rand(1)  # control: a draw from the global generator does move it
    assert not torch.equal(torch_before, torch.random.get_rng_state())


def test_gain_forms():
    """Property: a number goes to every parameter, a mapping to those it names."""
    model = mlp(2, 4, 3, 2, "relu")
    assert resolve_gains(model, "auto") == {"input.weight": 1.0, "readout.weight": np.sqrt(2)}
    assert resolve_gains(model, 2.0) == {"input.weight": 2.0, "readout.weight": 2.0}
    assert resolve_gains(model, {"input.weight": 3.0}) == {"input.weight": 3.0, "readout.weight": 1.0}


@pytest.mark.parametrize(
    ("gain", "sentence"),
    [
        ("he", "gain must be 'auto', a number or a mapping of parameter names; given 'he'"),
        (
            {"out": 1.0},
            "gain names must be parameters of the model (input.weight, readout.weight); given 'out'",
        ),
        (float("nan"), "gain must be finite; given nan for 'input.weight'"),
        ({"readout.weight": float("inf")}, "gain must be finite; given inf for 'readout.weight'"),
    ],
)
def test_bad_gain(gain, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        resolve_gains(mlp(2, 4, 3, 2), gain)


def test_bad_seed():
    """Property: the whole sentence."""
    sentence = "standard_normal: seed must be a non-negative integer; given -1"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        standard_normal((1,), seed=-1, name="w", width=1)
    sentence = "standard_normal: seed must be an integer; given 1.7"
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
        standard_normal((1,), seed=1.7, name="w", width=1)
