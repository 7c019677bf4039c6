"""Take the loss of one module in any of its forms: a name, a `Loss`, torch's own, or a plain function."""

from collections.abc import Callable
from typing import Any, TypeAlias

from torch import Tensor, nn

from scalewright.nets.losses import CrossEntropy, Loss, check_classes, resolve

LossFunction: TypeAlias = Callable[[Any, Any], Tensor]


def loss_function(loss: Any) -> LossFunction:
    """Return a function (outputs, targets) -> mean loss over the samples.

    Raises:
        TypeError: neither a name, nor a `Loss`, nor callable. ValueError: an unknown name, or a torch loss
            with another reduction than the mean.
    """
    if isinstance(loss, nn.Module) and getattr(loss, "reduction", "mean") != "mean":
        raise ValueError(
            f"loss must be the mean over samples, reduction='mean'; given reduction={loss.reduction!r}"
        )
    if callable(loss):
        return loss
    if not isinstance(loss, str | Loss):
        raise TypeError(
            "loss must be 'mse', 'cross-entropy', a Loss, or a function (outputs, targets) -> number; "
            f"given {type(loss).__name__}"
        )
    chosen = resolve(loss)

    def value(outputs: Any, targets: Any) -> Tensor:
        flat, wanted = _rows(chosen, outputs, targets)
        return chosen.value(flat[None], wanted)

    return value


def check_named(loss: Loss, outputs: Any, targets: Any) -> None:
    """Raise unless a named loss can take these outputs and targets.

    Raises:
        TypeError: outputs or targets that are no tensor. ValueError: shapes that do not fit, class indices
            out of range.
    """
    for what, value in (("model that returns", outputs), ("data whose targets are", targets)):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"loss {loss.name!r} needs a {what} one tensor; given {type(value).__name__}: pass a "
                "function (outputs, targets) -> number"
            )
    flat, wanted = _rows(loss, outputs, targets)
    if wanted.device.type == "meta":
        return
    loss.check(wanted, len(flat))
    expected = (1, wanted.shape[1]) if wanted.ndim == 2 else (1, flat.shape[-1])
    if (1, *flat.shape[1:]) != expected:
        raise ValueError(
            f"the model's outputs for one sample must have the shape {expected} of the targets; "
            f"given {(1, *flat.shape[1:])}"
        )
    if wanted.ndim == 1:
        check_classes(wanted, flat.shape[-1])


def _rows(loss: Loss, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return outputs (P, K) and targets: every position of a sequence is a sample of cross-entropy."""
    if isinstance(loss, CrossEntropy) and outputs.ndim > 2 and targets.shape == outputs.shape[:-1]:
        return outputs.flatten(0, -2), targets.flatten()
    if not isinstance(loss, CrossEntropy) and outputs.ndim > 2 and targets.shape == outputs.shape:
        return outputs.flatten(1), targets.flatten(1)
    return outputs, targets
