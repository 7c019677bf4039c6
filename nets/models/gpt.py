"""The decoder-only transformer on tokens."""

import math

import torch
from torch import Tensor, nn

from scalewright.nets.models.activations import Activation, activate, check_activation, gain_of
from scalewright.nets.models.sizes import check_sizes

#: Width of one attention head; a narrower network has one head.
HEAD = 16


class Attention(nn.Module):
    r"""Causal self-attention, scores $q \cdot k / \sqrt{d}$ in heads of fixed size d.

    With `qk_norm` queries and keys of each head are brought to mean 0 and variance 1 first, without gains.
    """

    def __init__(self, width: int, qk_norm: bool, gains: bool) -> None:
        super().__init__()
        self.heads = max(1, width // HEAD)
        self.qk_norm = qk_norm
        self.norm = nn.LayerNorm(width, elementwise_affine=gains)
        self.query, self.key, self.value, self.output = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )

    def forward(self, stream: Tensor) -> Tensor:
        """Map the stream (P, T, width) to what is added to it."""
        features = self.norm(stream)
        query, key, value = (self._split(layer(features)) for layer in (self.query, self.key, self.value))
        if self.qk_norm:
            query, key = (nn.functional.layer_norm(part, part.shape[-1:]) for part in (query, key))
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        length = scores.shape[-1]
        future = torch.ones(length, length, dtype=torch.bool, device=scores.device).triu(1)
        mixed = scores.masked_fill(future, -torch.inf).softmax(-1) @ value
        return self.output(mixed.transpose(-3, -2).flatten(-2))

    def _split(self, features: Tensor) -> Tensor:
        return features.unflatten(-1, (self.heads, -1)).transpose(-3, -2)


class Perceptron(nn.Module):
    """Norm, up to four widths, activation, down."""

    def __init__(self, width: int, activation: Activation, gains: bool) -> None:
        super().__init__()
        self.activation = activation
        self.norm = nn.LayerNorm(width, elementwise_affine=gains)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, stream: Tensor) -> Tensor:
        """Map the stream (P, T, width) to what is added to it."""
        return self.down(activate(self.activation, self.up(self.norm(stream))))


class Block(nn.Module):
    """Attention, then a perceptron, each added to the stream."""

    def __init__(self, width: int, activation: Activation, qk_norm: bool, gains: bool) -> None:
        super().__init__()
        self.attention, self.mlp = Attention(width, qk_norm, gains), Perceptron(width, activation, gains)

    def forward(self, stream: Tensor) -> Tensor:
        """Map the stream (P, T, width) to the next block's."""
        stream = stream + self.attention(stream)
        return stream + self.mlp(stream)


class GPT(nn.Module):
    """Decoder-only transformer: embeddings of tokens and positions, blocks with norms first, readout.

    Parameters: `embedding.weight` (vocabulary, width), `positions.weight` (context, width),
    `blocks.{i}.attention.{query, key, value, output}.weight`, `blocks.{i}.mlp.{up, down}.weight`, the norms'
    weights and biases where they have `gains`, `readout.weight` (vocabulary, width).
    """

    def __init__(
        self,
        blocks: int,
        width: int,
        context: int,
        vocabulary: int,
        activation: Activation = "gelu",
        *,
        qk_norm: bool = False,
        gains: bool = True,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, activation, qk_norm, gains) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, elementwise_affine=gains)
        self.readout = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (P, T), whole numbers, to the logits of the next one at every position (P, T, K)."""
        # the same places in every sample: what a layer gives has an axis of samples, which observables need
        places = torch.arange(tokens.shape[-1], device=tokens.device).expand_as(tokens)
        stream = self.embedding(tokens) + self.positions(places)
        for block in self.blocks:
            stream = block(stream)
        return self.readout(self.norm(stream))

    def gains(self) -> dict[str, float]:
        """Return 1/2 for the weights that read four widths, times the gain of the activation."""
        gain = gain_of(self.activation) / 2
        return {f"blocks.{index}.mlp.down.weight": gain for index in range(len(self.blocks))}


def gpt(
    layers: int,
    width: int,
    inputs: int,
    outputs: int,
    activation: Activation = "gelu",
    *,
    qk_norm: bool = False,
    gains: bool = True,
) -> GPT:
    """Return a transformer of `layers` blocks for contexts of `inputs` tokens and a vocabulary of `outputs`.

    `functools.partial(gpt, 2)` is the builder that `parametrize` and `Ensemble.of` take; the parametrization
    is that of `theory.gpt()`, whose one block stands for all of them. `qk_norm` normalises the queries and
    keys of every head; without `gains` no norm has parameters, and the table of powers must have none.

    Raises:
        ValueError: no block, a size below 1, a width that the heads of 16 don't divide, or an unknown
            activation.
    """
    check_sizes("gpt", layers=layers, width=width, inputs=inputs, outputs=outputs)
    if width > HEAD and width % HEAD:
        raise ValueError(f"gpt: width must be at most {HEAD} or a multiple of it; given {width!r}")
    check_activation("gpt", activation)
    return GPT(layers, width, inputs, outputs, activation, qk_norm=qk_norm, gains=gains)
