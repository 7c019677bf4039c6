"""Many networks of one shape as one: parameters stacked along a leading member axis."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from scalewright.nets.device import resolve
from scalewright.nets.initial import Gain, check_seed
from scalewright.nets.parametrize import (
    Build,
    Parametrized,
    construct,
    initial_weights,
    numbers_of,
    one_if_none,
)
from scalewright.nets.precision import check_precision
from scalewright.nets.stacked import Call, Stacked, forward, like
from scalewright.theory.parametrization import Numbers, Parametrization


@dataclass(frozen=True)
class Member:
    """What tells one network of a block from another: seed of the weights, base learning rate, gamma."""

    seed: int = 0
    lr: float = 1.0
    gamma: float = 1.0


@dataclass
class Ensemble:
    r"""M networks of one shape, each layer computing with $m\,w$: multiplier times trained weight.

    The members are the product of the axes (gamma, seed, lr), the last running fastest. A single network is
    an ensemble of one. Training moves `parameters` in place and marks the members that diverged.

    Attributes:
        model: the plain model whose forward is called; of its own weights only frozen ones are used.
        parameters: name -> trained weights (M, *shape).
        multipliers: name -> (M,).
        rates: name -> learning rate over the base rate, the diagonal of Lambda (M,).
        epsilons: name -> Adam's epsilon over the base epsilon (M,).
        decays: name -> weight decay over the base weight decay (M,).
        lr: base learning rate (M,).
        axes: axis -> its values; () where there is one network and no axis.
        optimizer: the one that the parametrization is made for, such as "sgd" or "adam".
        initial: the parameters at initialisation.
        centred: subtract the outputs at initialisation.
        diverged_at: step at which a member diverged, -1 for the others (M,), int64 on the CPU.
        attrs: provenance.
    """

    model: nn.Module
    parameters: Stacked
    multipliers: Stacked
    rates: Stacked
    epsilons: Stacked
    decays: Stacked
    lr: Tensor
    axes: dict[str, np.ndarray]
    optimizer: str
    initial: Stacked
    centred: bool = False
    diverged_at: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    attrs: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.diverged_at):
            self.diverged_at = torch.full((self.members,), -1, dtype=torch.int64)
        _check_mode(self.model)

    @classmethod
    def of(
        cls,
        build: Build,
        parametrization: Parametrization,
        *,
        width: int,
        inputs: int,
        outputs: int,
        seeds: Sequence[int] = (0,),
        lrs: Sequence[float] = (1.0,),
        gamma: float | Sequence[float] = 1.0,
        base_width: int = 1,
        gain: Gain = "auto",
        dtype: torch.dtype = torch.float64,
        device: str | torch.device = "auto",
        centred: bool = False,
    ) -> "Ensemble":
        """Stack the networks that `parametrize` makes one by one, over seeds times base learning rates.

        A sequence of gammas adds an axis before the others. The initial weights of a seed are the same for
        every learning rate and gamma, up to their standard deviation.

        Raises:
            TypeError: a seed that is no integer.
            ValueError: an empty axis, a rate that is not positive, parameter names that do not match, a model
                with frozen parameters, or one in training mode with layers that this changes, or centred
                networks in less than float64 at gamma < 1e-2.
        """
        axes = _axes(gamma, seeds, lrs)
        gammas = [float(value) for value in np.atleast_1d(np.asarray(gamma, dtype=float))]
        members = [
            Member(int(seed), float(lr), strength) for strength in gammas for seed in seeds for lr in lrs
        ]
        ensemble = cls.stack(
            build,
            parametrization,
            members,
            width=width,
            inputs=inputs,
            outputs=outputs,
            base_width=base_width,
            gain=gain,
            dtype=dtype,
            device=device,
            centred=centred,
        )
        fixed = {} if "gamma" in axes else {"gamma": gammas[0]}
        return replace(ensemble, axes=axes, attrs={**ensemble.attrs, **fixed})

    @classmethod
    def stack(
        cls,
        build: Build,
        parametrization: Parametrization,
        members: Sequence[Member],
        *,
        width: int,
        inputs: int,
        outputs: int,
        base_width: int = 1,
        gain: Gain = "auto",
        dtype: torch.dtype = torch.float64,
        device: str | torch.device = "auto",
        centred: bool = False,
    ) -> "Ensemble":
        """Stack the networks that `parametrize` makes one by one, each with its own seed, rate and gamma.

        Raises:
            ValueError: no member, parameter names that do not match, a model with frozen parameters, or one
                in training mode with layers that this changes, or centred networks in less than float64 at
                gamma < 1e-2, where centring cancels the digits (`nets.precision`).
        """
        if not members:
            raise ValueError("Ensemble.stack: members must hold at least one; given none")
        smallest = min(member.gamma for member in members)
        check_precision("Ensemble", smallest, str(dtype).removeprefix("torch."), centred=centred)
        sizes = {"width": width, "inputs": inputs, "outputs": outputs}
        model = construct(build, **sizes)
        for name, weight in model.named_parameters():
            if not weight.requires_grad:
                raise ValueError(
                    f"Ensemble: every parameter must have requires_grad=True; given {name!r} without"
                )
        numbers = {
            gamma: numbers_of(model, parametrization, gamma=gamma, base_width=base_width, **sizes)
            for gamma in dict.fromkeys(member.gamma for member in members)
        }
        drawn = {
            key: initial_weights(model, numbers[key[0]], gain=gain, seed=key[1], width=width)
            for key in dict.fromkeys((member.gamma, member.seed) for member in members)
        }
        rate = torch.tensor([member.lr for member in members], dtype=dtype, device=resolve(device))
        rows = [numbers[member.gamma] for member in members]
        parameters = {
            name: torch.stack([drawn[member.gamma, member.seed][name] for member in members]).to(rate)
            for name in rows[0]
        }
        return cls(
            model.to(rate.device, dtype),
            parameters,
            _scales(rows, "multiplier", rate),
            _scales(rows, "lr", rate),
            _scales(rows, "eps", rate),
            _scales(rows, "weight_decay", rate),
            rate,
            {},
            parametrization.optimizer,
            {name: weight.clone() for name, weight in parameters.items()},
            centred,
            attrs={"parametrization": parametrization.name, **sizes, "base_width": base_width},
        )

    @classmethod
    def single(cls, module: nn.Module, *, lr: float = 1.0) -> "Ensemble":
        """Return an ensemble of one from a copy of a module's weights; the module is not changed.

        A module made by `parametrize` brings its multipliers and rates; for any other they are 1. Parameters
        with requires_grad=False stay constants of the model: they are not among `parameters`.

        Raises:
            ValueError: no parameter to train, a frozen one in a centred module, or a module in training mode
                with layers that this changes.
        """
        wrapped = module if isinstance(module, Parametrized) else None
        inner = module if wrapped is None else wrapped.model
        named = dict(inner.named_parameters())
        if not named:
            raise ValueError("Ensemble.single: module must have parameters; given one without any")
        weights = {name: w.detach().clone()[None] for name, w in named.items() if w.requires_grad}
        if not weights:
            raise ValueError(
                "Ensemble.single: module must have a parameter with requires_grad=True; given none"
            )
        model = _with_constants(inner, wrapped)
        rate = next(iter(weights.values())).new_tensor([lr])
        plain = dict.fromkeys(weights, Numbers(multiplier=1.0, init_std=1.0, lr=1.0))
        numbers = [plain if wrapped is None else {name: wrapped.numbers[name] for name in weights}]
        initial = None if wrapped is None else wrapped.initial
        return cls(
            model,
            weights,
            _scales(numbers, "multiplier", rate),
            _scales(numbers, "lr", rate),
            _scales(numbers, "eps", rate),
            _scales(numbers, "weight_decay", rate),
            rate,
            {},
            "sgd" if wrapped is None else wrapped.optimizer,
            {
                name: weight.clone()[None]
                for name, weight in (initial or inner.state_dict()).items()
                if name in weights
            },
            centred=initial is not None,
        )

    @property
    def members(self) -> int:
        """Number of networks M."""
        return len(self.lr)

    @property
    def size(self) -> int:
        """Number of trained parameters of one network."""
        return sum(weight[0].numel() for weight in self.parameters.values())

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes; their product is `members`."""
        return tuple(len(values) for values in self.axes.values())

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type of the parameters."""
        return self.lr.dtype

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""
        return self.lr.device

    @property
    def active(self) -> Tensor:
        """Which members have not diverged (M,), bool on the CPU."""
        return self.diverged_at < 0

    def leaves(self) -> Stacked:
        """Return the parameters as fresh leaves that record gradients and share the weights' memory."""
        return {name: weight.detach().requires_grad_() for name, weight in self.parameters.items()}

    def forward(
        self,
        parameters: Mapping[str, Tensor],
        inputs: Tensor,
        call: Call | None = None,
        *,
        shared: bool = True,
    ) -> Any:
        """Return the outputs (M, P, K) of all members at `parameters`.

        Args:
            parameters: name -> (M, *shape).
            inputs: (P, ...), or where they are not `shared` each member's own (M, P, ...).
            call: `call(model, inputs)` replaces the plain forward inside the mapped function, for instance
                to return what hooks recorded; whatever it returns comes back with the leading member axis.
        """
        return forward(self.model, self.multipliers, parameters, inputs, call, shared=shared)

    def weights(self, *, effective: bool = False) -> list[dict[str, np.ndarray]]:
        """Return {name: array} for each member; `effective` gives multiplier * w, the same in every gauge."""
        source = {
            name: weight * like(self.multipliers[name], weight) if effective else weight
            for name, weight in self.parameters.items()
        }
        arrays = {name: weight.detach().cpu().numpy().copy() for name, weight in source.items()}
        return [{name: array[index] for name, array in arrays.items()} for index in range(self.members)]

    def select(self, members: Iterable[int]) -> "Ensemble":
        """Return a copy of some members, in the given order, as an ensemble without axes."""
        index = torch.tensor(list(members), dtype=torch.int64)
        there = index.to(self.device)

        def pick(stacked: Stacked) -> Stacked:
            return {name: tensor[there] for name, tensor in stacked.items()}

        return replace(
            self,
            parameters=pick(self.parameters),
            multipliers=pick(self.multipliers),
            rates=pick(self.rates),
            epsilons=pick(self.epsilons),
            decays=pick(self.decays),
            lr=self.lr[there],
            axes={},
            initial=pick(self.initial),
            diverged_at=self.diverged_at[index],
        )


def _with_constants(inner: nn.Module, wrapped: Parametrized | None) -> nn.Module:
    """Return a copy of the model whose frozen weights carry their multipliers."""
    model = copy.deepcopy(inner)
    for name, weight in model.named_parameters():
        if wrapped is None or weight.requires_grad:
            continue
        if wrapped.initial is not None:
            raise ValueError(
                f"Ensemble.single: every parameter of a centred module must have requires_grad=True; "
                f"given {name!r} without"
            )
        with torch.no_grad():
            weight.mul_(wrapped.numbers[name].multiplier)
    return model


def _check_mode(model: nn.Module) -> None:
    """Raise ValueError if the outputs would be random, or the model would change by being called."""
    for name, module in model.named_modules():
        random = isinstance(module, _DropoutNd)
        if module.training and (random or (isinstance(module, _NormBase) and module.track_running_stats)):
            raise ValueError(
                "Ensemble: the model must be in evaluation mode; given one in training mode with the "
                f"{type(module).__name__} {name!r}: call model.eval() first"
            )


def _scales(rows: Sequence[Mapping[str, Numbers]], entry: str, rate: Tensor) -> Stacked:
    """Return one kind of number for every member (M,), a row each."""
    return {
        name: rate.new_tensor([one_if_none(getattr(row[name], entry)) for row in rows]) for name in rows[0]
    }


def _axes(
    gamma: float | Sequence[float], seeds: Sequence[int], lrs: Sequence[float]
) -> dict[str, np.ndarray]:
    for seed in seeds:
        check_seed("Ensemble.of: every seed", seed)
    axes = {"seed": np.asarray(list(seeds), dtype=np.int64), "lr": np.asarray(list(lrs), dtype=float)}
    if np.ndim(gamma):
        axes = {"gamma": np.asarray(gamma, dtype=float), **axes}
    for name, values in axes.items():
        if not len(values):
            raise ValueError(f"Ensemble.of: {name} must have at least one value; given none")
        if name != "seed" and not (np.isfinite(values) & (values > 0)).all():
            raise ValueError(
                f"Ensemble.of: every {name} must be positive and finite; given {values.tolist()}"
            )
    return axes
