"""Networks written out in torch: shapes of all weights, and a forward pass on a tape."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from measured.data import INPUTS, OUTPUTS, POSITIONS, VOCABULARY
from measured.tape import Tape, extended

HEAD, HEADS, RANK = 8, 2, 4


@dataclass(frozen=True)
class Network:
    """Shapes of all weights at given sizes, and the forward pass."""

    shapes: Callable[[Mapping[str, int]], dict[str, tuple[int, ...]]]
    forward: Callable[[Tape, Tensor], Tensor]
    data: str = "vectors"


def perceptron(
    layers: int, activation: Callable[[Tensor], Tensor] = torch.relu, bias: bool = False
) -> Network:
    """Weight layers input, hidden.0, ..., readout with an activation between them."""
    names = ["input", *(f"hidden.{i}" for i in range(layers - 2)), "readout"]

    def shapes(sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        widths = [INPUTS, *[sizes["width"]] * (layers - 1), OUTPUTS]
        found = {f"{name}.weight": (widths[i + 1], widths[i]) for i, name in enumerate(names)}
        return found | ({f"{name}.bias": (widths[i + 1],) for i, name in enumerate(names)} if bias else {})

    def forward(tape: Tape, x: Tensor) -> Tensor:
        for name in names:
            x = tape.apply("linear", name, x if name == "input" else activation(x))
            x = tape.apply("bias", f"{name}.shifted", x, f"{name}.bias") if bias else x
        return x

    return Network(shapes, forward)


def convolutional(norm: str | None) -> Network:
    """Two convolutions over a ring of positions, a mean over positions, a linear readout."""

    def shapes(sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        n = sizes["width"]
        found: dict[str, tuple[int, ...]] = {"input.weight": (n, 3 * INPUTS), "hidden.0.weight": (n, 3 * n)}
        for name in ("input", "hidden.0") if norm else ():
            found |= {f"{name}.norm.weight": (n,), f"{name}.norm.bias": (n,)}
        return found | {"readout.weight": (OUTPUTS, n)}

    def forward(tape: Tape, x: Tensor) -> Tensor:
        for name in ("input", "hidden.0"):
            x = tape.apply("convolution", name, x)
            x = torch.relu(tape.norm(f"{name}.norm", x, norm) if norm else x)
        return tape.apply("linear", "readout", x.mean(1))

    return Network(shapes, forward, "images")


def residual(layers: int) -> Network:
    """Blocks x + L^-m F(x), each with its own `layers` weights; F = W relu(... W relu(x))."""

    def shapes(sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        n = sizes["width"]
        copies = [f"blocks.{i}.weight@{b}" for b in range(sizes["depth"]) for i in range(layers)]
        return {"input.weight": (n, INPUTS), **dict.fromkeys(copies, (n, n)), "readout.weight": (OUTPUTS, n)}

    def forward(tape: Tape, data: Tensor) -> Tensor:
        stream = tape.apply("linear", "input", data)
        for block in range(tape.sizes["depth"]):
            x = stream
            for index in range(layers):
                x = tape.apply("linear", f"blocks.{index}@{block}", torch.relu(x))
            x = tape.note("blocks.sum.branch", tape.factors["blocks.sum"] * x)
            stream = tape.note("blocks.sum", stream + x)
        return tape.apply("linear", "readout", torch.relu(tape.note("blocks", stream)))

    return Network(shapes, forward)


def autoencoding() -> Network:
    """Encoder to n, n to n, a neck of n^1/2 units, the decoder its mirror image."""

    def shapes(sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        n, neck = sizes["width"], math.isqrt(sizes["width"])
        return {
            "encoder.input.weight": (n, INPUTS),
            "encoder.0.weight": (n, n),
            "neck.weight": (neck, n),
            "decoder.expand.weight": (n, neck),
            "decoder.0.weight": (n, n),
            "decoder.output.weight": (INPUTS, n),
        }

    def forward(tape: Tape, x: Tensor) -> Tensor:
        x = torch.relu(tape.apply("linear", "encoder.input", x))
        x = tape.apply("linear", "neck", torch.relu(tape.apply("linear", "encoder.0", x)))
        for name in ("decoder.expand", "decoder.0"):
            x = torch.relu(tape.apply("linear", name, x))
        return tape.apply("linear", "decoder.output", x)

    return Network(shapes, forward, "self")


@dataclass(frozen=True)
class Transformer:
    """Blocks of attention and perceptron behind norms, in the variants that the cases need."""

    norm: str = "layer"
    heads: str = "grow"
    blocks: int = 1
    tied: bool = False
    gated: bool = False
    adapters: bool = False

    @property
    def network(self) -> Network:
        """The shapes and the forward pass."""
        return Network(self.shapes, self.forward, "tokens")

    def shapes(self, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        """Embeddings, square matrices in the blocks, norms, the readout."""
        n = sizes["width"]
        found: dict[str, tuple[int, ...]] = {
            "embedding.weight": (VOCABULARY, n),
            "positions.weight": (POSITIONS, n),
        }
        for block in range(self.blocks):
            found |= {extended(f"blocks.{key}", f"@{block}"): shape for key, shape in self.block(n).items()}
        if not self.adapters:
            found |= {f"norm.{part}": (n,) for part in self.affine}
        return found if self.tied else found | {"readout.weight": (VOCABULARY, n)}

    @property
    def affine(self) -> tuple[str, ...]:
        """What a norm has."""
        return ("weight",) if self.norm == "rms" else ("weight", "bias")

    def block(self, n: int) -> dict[str, tuple[int, ...]]:
        """The weights of one block, with an adapter's A and B beside each matrix."""
        parts = [f"attention.{part}" for part in ("query", "key", "value", "output")]
        found: dict[str, tuple[int, ...]] = {}
        for part in (*parts, "mlp.up", "mlp.down", *(("mlp.gate",) if self.gated else ())):
            found[f"{part}.weight"] = (n, n)
            if self.adapters:
                found |= {f"{part}.A.weight": (RANK, n), f"{part}.B.weight": (n, RANK)}
        for name in () if self.adapters else ("attention.norm", "mlp.norm"):
            found |= {f"{name}.{part}": (n,) for part in self.affine}
        return found

    def map(self, tape: Tape, name: str, x: Tensor) -> Tensor:
        """A linear map, with what its adapter adds."""
        y = tape.apply("linear", name, x)
        if not self.adapters:
            return y
        low = tape.apply("linear", extended(name, ".A"), x)
        return tape.note(extended(name, ".adapted"), y + tape.apply("linear", extended(name, ".B"), low))

    def attention(self, tape: Tape, x: Tensor, at: str) -> Tensor:
        """Softmax attention of every position to all, over heads."""
        name, n = "blocks.attention", tape.sizes["width"]
        count = HEADS if self.heads == "fixed" else n // HEAD
        query, key, value = (
            self.map(tape, f"{name}.{part}{at}", x).unflatten(-1, (count, -1)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        scores = tape.factors[f"{name}.scores"] * (query @ key.transpose(-1, -2))
        scores = tape.note(f"{name}.scores", scores)
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        return self.map(tape, f"{name}.output{at}", tape.note(f"{name}.mix", mixed))

    def perceptron(self, tape: Tape, x: Tensor, at: str) -> Tensor:
        """Up, activation, perhaps a gate, down."""
        up = torch.nn.functional.silu(self.map(tape, f"blocks.mlp.up{at}", x))
        if self.gated:
            up = tape.note("blocks.mlp.gated", up * self.map(tape, f"blocks.mlp.gate{at}", x))
        return self.map(tape, f"blocks.mlp.down{at}", up)

    def forward(self, tape: Tape, tokens: Tensor) -> Tensor:
        """Embeddings, the blocks, a last norm, the readout."""
        places = torch.arange(POSITIONS).expand_as(tokens)
        x = tape.apply("embedding", "embedding", tokens) + tape.apply("embedding", "positions", places)
        for at in (f"@{block}" for block in range(self.blocks)):
            for name, part in (("attention", self.attention), ("mlp", self.perceptron)):
                branch = part(tape, tape.norm(f"blocks.{name}.norm{at}", x, self.norm, not self.adapters), at)
                x = tape.note(f"blocks.{name}.sum", x + tape.factors[f"blocks.{name}.sum"] * branch)
        x = tape.norm("norm", x, self.norm, not self.adapters)
        if not self.tied:
            return tape.apply("linear", "readout", x)
        y = tape.apply("linear", "readout", x, "embedding.weight")
        return tape.note("readout.multiplier", tape.factors["readout.multiplier"] * y)
