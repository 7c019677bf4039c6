"""Call a model without changing it, and refuse the models whose curvature would mean nothing."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm


def original(model: nn.Module) -> nn.Module:
    """Return the module that `torch.compile` wrapped: compiled graphs have no second derivative."""
    while isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
        model = inner
    return model


@contextmanager
def same_random_state() -> Iterator[None]:
    """Put torch's random state back on leaving, on the CPU and on every CUDA device in use."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        yield


class Guard:
    """Chooses implementations that have a second derivative: attention by plain products, no fused RNN.

    Inside `context()` compiled parts of the model run uncompiled; the random state is put back on leaving.
    """

    def __init__(self, model: nn.Module) -> None:
        kinds = list(model.modules())
        self._recurrent = any(isinstance(module, nn.RNNBase) for module in kinds)
        self._compiled = any(_compiled(module) for module in kinds)

    @contextmanager
    def context(self) -> Iterator[None]:
        """Return the context in which a model is called and products are taken."""
        with ExitStack() as stack:
            stack.enter_context(torch.enable_grad())
            stack.enter_context(same_random_state())
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
            if self._recurrent:
                stack.enter_context(torch.backends.cudnn.flags(enabled=False))
            if self._compiled:
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            yield


def _compiled(module: nn.Module) -> bool:
    return hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None


def couples_samples(model: nn.Module) -> str | None:
    """Return the name of a module that lets the outputs of a sample depend on the others, if one does."""
    for name, module in model.named_modules():
        by_batch = isinstance(module, _NormBase) and not isinstance(module, _InstanceNorm)
        if by_batch and (module.training or not module.track_running_stats):
            return name
    return None


def check_finite(named: Mapping[str, Tensor]) -> None:
    """Raise ValueError, naming the first parameter that is nan or inf."""
    for name, weight in named.items():
        if weight.device.type != "meta" and not bool(weight.isfinite().all()):
            raise ValueError(f"parameters must be finite; given nan or inf in {name!r}")


def check_loss(loss: Any) -> Tensor:
    """Return the loss as a tensor (1,).

    Raises:
        TypeError: no tensor. ValueError: several numbers, or one that is not finite.
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"loss must return a tensor; given {type(loss).__name__}")
    if loss.numel() != 1:
        raise ValueError(
            f"loss must return one number, the mean over the samples; given shape {tuple(loss.shape)}"
        )
    if loss.device.type != "meta" and not bool(loss.detach().isfinite().all()):
        raise ValueError(f"the loss must be finite; given {loss.item()!r}")
    return loss.reshape(1)


def check_deterministic(model: nn.Module, first: tuple[Tensor, ...], second: tuple[Tensor, ...]) -> None:
    """Raise ValueError unless two calls gave the same outputs, up to half of the digits.

    The Hessian of a loss that is drawn anew at every call is none: Lanczos would combine products of
    different matrices.
    """
    for one, two in zip(first, second, strict=True):
        if one.device.type == "meta":
            continue
        limit = torch.finfo(one.dtype).eps ** 0.5 * float(one.detach().abs().max())
        if float((one - two).detach().abs().max()) > limit:
            raise ValueError(
                "the model's outputs must be the same at every call, since products of different matrices "
                f"have no common eigenvalues; given two that differ{_culprits(model)}"
            )


def _culprits(model: nn.Module) -> str:
    names = [n for n, m in model.named_modules() if isinstance(m, _DropoutNd) and m.training and m.p > 0]
    if not names:
        return ": switch the randomness in its forward off"
    return f": {', '.join(map(repr, names[:3]))} drop at random: call model.eval(), or set their p to 0"
