"""Which modules of a model are measured, and why the others are not."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

#: Modules whose features are not the last axis of their outputs but the second.
CHANNELS_SECOND = (_ConvNd, _NormBase, nn.GroupNorm)
#: Modules that add their bias after everything else, so that it can be told from the weight.
ADDS_BIAS = (nn.Linear, _ConvNd, _NormBase, nn.GroupNorm, nn.LayerNorm)


@dataclass(frozen=True)
class Layer:
    """A module with parameters of its own and no module with parameters inside.

    Attributes:
        module: its qualified name, "" for the model itself.
        row: under which it is listed: its weight's name; the module's name where it has several parameters
            that can't be told apart.
        bias: name of a bias that is listed by itself, None without one.
        features: axis of the features in its outputs.
    """

    module: str
    row: str
    bias: str | None
    features: int


def layers_of(model: nn.Module) -> tuple[list[Layer], dict[str, str]]:
    """Return the modules that can be measured, in the model's order, and {name: reason} of the others."""
    found: list[Layer] = []
    skipped: dict[str, str] = {}
    for name, module in model.named_modules():
        own = [key for key, weight in module.named_parameters(recurse=False) if weight is not None]
        if not own:
            continue
        if len(own) < sum(1 for _ in module.named_parameters()):
            for key in own:
                skipped[_join(name, key)] = "it belongs to a module that holds other layers"
        else:
            found.append(_layer(name, module, own))
    return found, skipped


def tokens_of(values: Tensor, features: int) -> Tensor:
    """Return outputs as rows of features (tokens, features)."""
    if values.ndim < 2:
        return values.reshape(1, -1)
    return values.movedim(features, -1).flatten(0, -2)


def _layer(name: str, module: nn.Module, own: list[str]) -> Layer:
    bias = "bias" if "bias" in own and isinstance(module, ADDS_BIAS) else None
    others = [key for key in own if key != bias]
    row = _join(name, others[0]) if len(others) == 1 else name or "model"
    features = 1 if isinstance(module, CHANNELS_SECOND) else -1
    return Layer(name, row, None if bias is None else _join(name, bias), features)


def _join(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
