"""Measure the top eigenvalue of a GPT-2-small-sized model at batch 8 x 1024 tokens, on a GPU.

Run `python benchmarks/sharpness_gpu.py` on a machine with CUDA: it prints the time of a Hessian product
against a forward-backward pass (goal: at most 2.5 times) and writes `results/sharpness_gpu.json`. `--small`
runs the same code on a model of two layers, on any device, to check it.

The graph of 8 x 1024 tokens is kept in parts of `--chunk` sequences where memory allows (`--keep`), and built
anew for every product otherwise.
"""

import argparse
from typing import Any

import torch
from measuring import best, environment, write
from torch import Tensor, nn
from torch.nn import functional

from scalewright import nets


class Block(nn.Module):
    """A transformer block: attention and a perceptron, each after a layer norm and added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.inward, self.outward = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, tokens, width) to the same shape."""
        batch, tokens, width = x.shape
        parts = self.inward(self.norms[0](x)).split(width, dim=2)
        q, k, v = (p.view(batch, tokens, self.heads, -1).transpose(1, 2) for p in parts)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.outward(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.down(functional.gelu(self.up(self.norms[1](x))))


class GPT(nn.Module):
    """A language model of GPT-2's shape, the readout tied to the embedding."""

    def __init__(self, layers: int, width: int, heads: int, vocabulary: int, context: int) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for weight in (self.token.weight, self.position.weight):
            nn.init.normal_(weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (batch, tokens) to logits (batch, tokens, vocabulary)."""
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.token.weight.T


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy over all tokens."""
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--chunk", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    chosen = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    layers, width, heads, vocabulary, context, batch = (
        (2, 64, 4, 512, 32, 4) if chosen.small else (12, 768, 12, 50257, 1024, 8)
    )
    model = GPT(layers, width, heads, vocabulary, context).to(device)
    tokens = torch.randint(vocabulary, (batch, context + 1), device=device)
    data = (tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous())
    report = measured(model, data, chosen.chunk, keep=chosen.keep)
    report |= {"shape": [layers, width, heads, vocabulary, context, batch], "environment": environment()}
    if not chosen.small:
        write("sharpness_gpu", report)


def measured(model: GPT, data: tuple[Tensor, Tensor], chunk: int, *, keep: bool) -> dict[str, Any]:
    """Time passes and products, and measure the top eigenvalue."""
    weights = tuple(model.parameters())
    parts = [(x, y) for x, y in zip(data[0].split(chunk), data[1].split(chunk), strict=True)]

    def passes() -> None:
        for x, y in parts:
            torch.autograd.grad(loss_of(model(x), y), weights)

    operator = nets.Hessian(model, loss_of, data, chunk=chunk, keep_graph=keep)
    vector = torch.randn(1, operator.size, device=operator.device)
    times = best({"forward_backward": passes, "product": lambda: operator.product(vector)}, rounds=4)
    ratio = times["product"] / times["forward_backward"]
    pairs = nets.top_eigenpairs(operator, tolerance=1e-2, basis=20)
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
    print(f"{operator.size} parameters: a product takes {ratio:.2f} forward-backward passes")
    print(f"largest eigenvalue {pairs.values[0, 0]:.4g}, {pairs.status}")
    return {
        "parameters": operator.size,
        "chunk": chunk,
        "graph_kept": keep,
        "ms": times,
        "ratio": ratio,
        "value": float(pairs.values[0, 0]),
        "residual": float(pairs.residuals[0, 0]),
        "certified_to": float(pairs.certified_to[0, 0]),
        "products": pairs.matvecs,
        "peak_bytes": peak,
    }


if __name__ == "__main__":
    main()
