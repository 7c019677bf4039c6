"""Which modules are measured, under which name, and why others are not."""

import pytest
import torch
from torch import nn

from scalewright.nets.coordinates.layers import layers_of, tokens_of


class Mixed(nn.Module):
    """A parameter of its own beside layers, and attention, which calls no module for its projections."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(4))
        self.embedding = nn.Embedding(5, 4)
        self.norm = nn.LayerNorm(4)
        self.attention = nn.MultiheadAttention(4, 2)
        self.two = nn.Bilinear(4, 4, 4)


def test_layers_are_named_by_their_weights():
    layers, skipped = layers_of(Mixed())
    rows = {layer.row: layer.bias for layer in layers}
    assert rows["embedding.weight"] is None
    assert rows["norm.weight"] == "norm.bias"
    assert rows["two"] is None, "the bias of a bilinear map can't be told from its weight"
    assert set(skipped) == {"shift", "attention.in_proj_weight", "attention.in_proj_bias"}
    assert all("holds other layers" in reason for reason in skipped.values())


def test_a_model_that_is_one_layer_is_measured():
    (layer,), skipped = layers_of(nn.Linear(2, 3))
    assert (layer.module, layer.row, layer.bias, skipped) == ("", "weight", "bias", {})


@pytest.mark.parametrize(
    ("module", "shape", "tokens"),
    [(nn.Conv2d(3, 5, 1), (2, 5, 4, 4), 32), (nn.Linear(3, 5), (2, 7, 5), 14), (nn.Linear(3, 5), (5,), 1)],
)
def test_tokens_are_rows_of_features(module, shape, tokens):
    (layer,), _ = layers_of(module)
    values = torch.arange(torch.Size(shape).numel(), dtype=torch.float64).reshape(shape)
    found = tokens_of(values, layer.features)
    assert found.shape == (tokens, 5)
    assert sorted(found.flatten().tolist()) == sorted(values.flatten().tolist())
