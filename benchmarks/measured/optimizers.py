"""Steps of optimizers, for a gradient and the weight it belongs to; a rate multiplies them."""

from collections.abc import Callable

import torch
from torch import Tensor

from measured.data import SAMPLES
from measured.tape import rms


def _plain(state: dict[str, Tensor], g: Tensor, w: Tensor, eps: float, t: int) -> Tensor:
    return g


def _heavy_ball(state: dict[str, Tensor], g: Tensor, w: Tensor, eps: float, t: int) -> Tensor:
    state["m"] = 0.9 * state.get("m", 0.0) + g
    return state["m"]


def _adam(state: dict[str, Tensor], g: Tensor, w: Tensor, eps: float, t: int) -> Tensor:
    mean = state.setdefault("mean", torch.zeros_like(g)).lerp_(g, 0.1)
    square = state.setdefault("square", torch.zeros_like(g)).mul_(0.95).addcmul_(g, g, value=0.05)
    return mean / (square / (1 - 0.95**t)).sqrt_().add_(eps).mul_(1 - 0.9**t)


def _sign(state: dict[str, Tensor], g: Tensor, w: Tensor, eps: float, t: int) -> Tensor:
    return g.sign()


def _adafactor(state: dict[str, Tensor], g: Tensor, w: Tensor, eps: float, t: int) -> Tensor:
    """Second moments by rows and columns; the step is measured in units of the weight's own rms."""
    square = g.square() + eps
    for name, axis in (("rows", 1), ("columns", 0)):
        state[name] = 0.9 * state.get(name, 0.0) + 0.1 * square.mean(axis, keepdim=True)
    moment = state["rows"] * state["columns"] / state["rows"].mean() / (1 - 0.9**t)
    return rms([w]) * g / moment.sqrt()


def _muon(state: dict[str, Tensor], g: Tensor, w: Tensor, eps: float, t: int) -> Tensor:
    """The polar factor U V^T of a gradient; exact, from a basis of its few columns (one a sample)."""
    probes = torch.randn(g.shape[1], SAMPLES, dtype=g.dtype, generator=torch.Generator().manual_seed(t))
    basis = torch.linalg.qr(g @ probes).Q
    left, values, right = torch.linalg.svd(basis.T @ g, full_matrices=False)
    kept = (values > 1e-9 * values[0]).to(g.dtype)
    return (basis @ left * kept) @ right


STEPS: dict[str, Callable[..., Tensor]] = {
    "sgd": _plain,
    "momentum": _heavy_ball,
    "adam": _adam,
    "sign": _sign,
    "adafactor": _adafactor,
    "muon": _muon,
}
