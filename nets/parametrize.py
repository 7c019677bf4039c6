"""Put a parametrization on a torch model from outside: multipliers, initial weights, learning rates."""

import copy
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from scalewright.nets.device import resolve
from scalewright.nets.functional import call_with
from scalewright.nets.initial import Gain, resolve_gains, standard_normal
from scalewright.nets.precision import check_precision
from scalewright.theory.parametrization import Numbers, Parametrization
from scalewright.theory.power import Power

Build = Callable[..., nn.Module]
NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.modules.batchnorm._BatchNorm)
NUMBER = re.compile(r"\.\d+\.")


def construct(build: Build, *, width: int, inputs: int, outputs: int) -> nn.Module:
    """Return a model of one's own from `build`, called with those of width, inputs, outputs that it takes.

    The random state that torch's layers draw from is put back, and the model is a copy, so that nothing the
    caller holds can change.
    """
    sizes = {"width": width, "inputs": inputs, "outputs": outputs}
    accepted = inspect.signature(build).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted.values()):
        sizes = {name: size for name, size in sizes.items() if name in accepted}
    with torch.random.fork_rng(devices=[]):
        model = build(**sizes)
    if not isinstance(model, nn.Module):
        raise TypeError(f"build must return a torch.nn.Module; it returned {type(model).__name__}")
    return copy.deepcopy(model)


def numbers_of(
    model: nn.Module,
    parametrization: Parametrization,
    *,
    width: int,
    inputs: int,
    outputs: int,
    gamma: float = 1.0,
    base_width: int = 1,
) -> dict[str, Numbers]:
    """Return {parameter name: its numbers} in the order of the model.

    A parametrization that states a stack's block once, as "blocks.mlp.up.weight", holds for every one of
    them, "blocks.3.mlp.up.weight".

    Raises:
        ValueError: the parametrization knows other parameters than the model has.
    """
    for name, power in parametrization.multipliers.items():
        if power != Power.one():
            raise ValueError(
                f"parametrize: parametrization {parametrization.name!r} must have no factor of its own in "
                f"the forward pass; given {power} at {name!r}: multiply there in the module's forward, by "
                "`factors_at`, and drop it from `multipliers`"
            )
    sizes = {"width": width, "base_width": base_width, "inputs": inputs, "outputs": outputs, "gamma": gamma}
    at = parametrization.at(**{name: size for name, size in sizes.items() if name in parametrization.sizes})
    names = [name for name, _ in model.named_parameters()]
    entries = {name: name if name in at else NUMBER.sub(".", name, count=1) for name in names}
    if set(entries.values()) != set(at):
        missing = ", ".join(sorted(name for name in names if entries[name] not in at)) or "none"
        unknown = ", ".join(sorted(set(at) - set(entries.values()))) or "none"
        raise ValueError(
            f"parametrize: parametrization {parametrization.name!r} must name exactly the model's parameters "
            f"({', '.join(names)}); missing: {missing}; unknown: {unknown}"
        )
    return {name: at[entry] for name, entry in entries.items()}


def initial_weights(
    model: nn.Module, numbers: Mapping[str, Numbers], *, gain: Gain, seed: int, width: int
) -> dict[str, Tensor]:
    """Return the initial weights, N(0, (gain init_std)^2), float64 on the CPU: the same on every device.

    Those of norms are not random: their weights start at gain init_std, their biases at 0.
    """
    gains, fixed = resolve_gains(model, gain), _of_norms(model)
    return {
        name: (
            torch.full(weight.shape, fixed[name], dtype=torch.float64)
            if name in fixed
            else torch.from_numpy(standard_normal(weight.shape, seed=seed, name=name, width=width))
        ).mul_(numbers[name].init_std * gains[name])
        for name, weight in model.named_parameters()
    }


def _of_norms(model: nn.Module) -> dict[str, float]:
    """Return where the parameters of norms start: weights at 1, biases at 0."""
    return {
        f"{name}.{own}" if name else own: 0.0 if own == "bias" else 1.0
        for name, module in model.named_modules()
        if isinstance(module, NORMS)
        for own, _ in module.named_parameters(recurse=False)
    }


class Parametrized(nn.Module):
    r"""A model whose layers compute with $m\,w$: the multiplier times the trained weight.

    The trained weights are `model.named_parameters()`; `centred` subtracts the outputs at initialisation.
    Made by `parametrize`.
    """

    def __init__(
        self, model: nn.Module, numbers: Mapping[str, Numbers], optimizer: str, *, centred: bool
    ) -> None:
        super().__init__()
        self.model = model
        self.numbers = dict(numbers)
        self.optimizer = optimizer
        self.initial = (
            {name: weight.detach().clone() for name, weight in model.named_parameters()} if centred else None
        )

    def forward(self, *inputs: Tensor) -> Any:
        """Return the outputs of the model with multiplied weights."""
        outputs = self._call(dict(self.model.named_parameters()), inputs)
        if self.initial is None:
            return outputs
        with torch.no_grad():
            return outputs - self._call(self.initial, inputs)

    def parameter_groups(
        self, lr: float, *, eps: float = 1e-8, weight_decay: float = 0.0
    ) -> list[dict[str, Any]]:
        """Return the groups for a torch optimizer, one a parameter, from the base rate, epsilon and decay.

        >>> from scalewright import nets, theory
        >>> rule = theory.named(theory.mlp(2), "mup", "sgd")
        >>> build = lambda width, inputs, outputs: nets.models.mlp(2, width, inputs, outputs)
        >>> network = parametrize(build, rule, width=16, inputs=3, outputs=2, device="cpu")
        >>> optimizer = torch.optim.SGD(network.parameter_groups(lr=0.1))
        >>> [group["lr"] for group in optimizer.param_groups]  # 0.1 n, weights of unit variance
        [1.6, 1.6]
        """
        groups = []
        for name, weight in self.model.named_parameters():
            entry = self.numbers[name]
            group: dict[str, Any] = {"params": [weight], "lr": lr * entry.lr, "name": name}
            if self.optimizer.startswith("adam"):
                group["eps"] = eps * one_if_none(entry.eps)
            if weight_decay:
                group["weight_decay"] = weight_decay * one_if_none(entry.weight_decay)
            groups.append(group)
        return groups

    def _call(self, weights: Mapping[str, Tensor], inputs: tuple[Tensor, ...]) -> Any:
        scaled = {name: weight * self.numbers[name].multiplier for name, weight in weights.items()}
        return call_with(self.model, scaled, inputs)


def one_if_none(power: float | None) -> float:
    """Return the number, or 1 where a parametrization leaves it out."""
    return 1.0 if power is None else power


def parametrize(
    build: Build,
    parametrization: Parametrization,
    *,
    width: int,
    inputs: int,
    outputs: int,
    gamma: float = 1.0,
    base_width: int = 1,
    gain: Gain = "auto",
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device = "auto",
    centred: bool = False,
) -> Parametrized:
    r"""Return one network: each layer computes $m\,w$ with $w \sim N(0, (\mathrm{gain}\,\sigma)^2)$.

    Args:
        build: called with those of `width`, `inputs`, `outputs` it accepts, returns the plain model.
        parametrization: multipliers, initial standard deviations and learning rates by parameter name.
        gamma: feature-learning strength; base_width: the width at which every power of the width is 1.
        gain: factor on the initial standard deviation: "auto" (sqrt(2) for weights that read a ReLU), a
            number, or {parameter name: number}.
        centred: subtract the outputs at initialisation.

    Returns:
        A module with `parameter_groups(lr)` for a torch optimizer. `Ensemble.of` makes many networks at once.

    Raises:
        ValueError: parameter names that do not match, an unusable device, or a centred network in less than
            float64 at gamma < 1e-2, where centring cancels the digits.

    >>> from functools import partial
    >>> from scalewright import nets, theory
    >>> rule = theory.named(theory.mlp(3), "mup", "sgd")
    >>> network = parametrize(
    ...     partial(nets.models.mlp, 3), rule, width=256, inputs=64, outputs=10, device="cpu"
    ... )
    >>> network(torch.ones(5, 64, dtype=torch.float64)).shape
    torch.Size([5, 10])
    """
    check_precision("parametrize", gamma, str(dtype).removeprefix("torch."), centred=centred)
    target = resolve(device)
    model = construct(build, width=width, inputs=inputs, outputs=outputs)
    sizes = {"width": width, "inputs": inputs, "outputs": outputs, "base_width": base_width}
    numbers = numbers_of(model, parametrization, gamma=gamma, **sizes)
    weights = initial_weights(model, numbers, gain=gain, seed=seed, width=width)
    model.to(target, dtype)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(weights[name])
    return Parametrized(model, numbers, parametrization.optimizer, centred=centred)
