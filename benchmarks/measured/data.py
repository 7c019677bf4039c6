"""The sizes that are held, the data drawn at them, and losses."""

import torch
from torch import Tensor

SAMPLES, INPUTS, OUTPUTS = 16, 8, 4
SEQUENCES, POSITIONS, VOCABULARY = 2, 4, 12


def draw_data(kind: str, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Gaussian vectors, images or tokens, with labels drawn at random (the vectors themselves for "self")."""
    if kind == "tokens":
        drawn = torch.randint(VOCABULARY, (2, SEQUENCES, POSITIONS), generator=generator)
        return drawn[0], drawn[1]
    shape = (SAMPLES, POSITIONS, INPUTS) if kind == "images" else (SAMPLES, INPUTS)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    return x, x if kind == "self" else torch.randint(OUTPUTS, (SAMPLES,), generator=generator)


def loss_of(kind: str, logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy, or half the squared distance, summed over outputs, mean over samples."""
    if kind == "cross-entropy":
        return torch.nn.functional.cross_entropy(logits.flatten(0, -2), labels.flatten())
    targets = labels if labels.is_floating_point() else torch.nn.functional.one_hot(labels, logits.shape[-1])
    return (logits - targets).square().sum(-1).mean() / 2
