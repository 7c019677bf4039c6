"""Cases, and the training of one network of a case from plain numbers that `Parametrization.at` gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from measured.data import INPUTS, OUTPUTS, VOCABULARY, draw_data, loss_of
from measured.networks import RANK, Network
from measured.optimizers import STEPS
from measured.tape import Tape, base
from scalewright import theory


@dataclass(frozen=True)
class Case:
    """One prediction against one network: what grows, what is held, and how the network is trained.

    `rates` replaces the parametrization's own rates by one power; `step` asks for the sizes right after that
    step instead of those later in training; `fixed` holds the other sizes; `lr` and `epsilon` are the
    common prefactors of all rates and epsilons.
    """

    name: str
    parametrization: theory.Parametrization
    network: Network
    lr: float
    axis: str = "width"
    sizes: Sequence[int] = (256, 512, 1024, 2048, 4096)
    fixed: Mapping[str, int] = field(default_factory=dict)
    rates: Mapping[str, str] | None = None
    loss: str = "cross-entropy"
    seeds: int = 4
    steps: int = 4
    step: int | None = None
    epsilon: float = 1e-5

    @property
    def given(self) -> theory.Parametrization:
        """The parametrization with the rates that the case runs at."""
        return self.parametrization if self.rates is None else self.parametrization.with_lr(self.rates)


def numbers_of(given: theory.Parametrization, sizes: Mapping[str, int]) -> dict[str, theory.Numbers]:
    """Return plain numbers for every parameter at the given sizes; frozen ones have a rate of zero."""
    known = {name for _, power in given.architecture.dimensions for name, _ in power.items}
    data = {"inputs": INPUTS, "outputs": OUTPUTS, "vocabulary": VOCABULARY, "rank": RANK}
    values = {name: size for name, size in ({**data, **sizes}).items() if name in known}
    found = given.at(**values)
    for node in given.architecture.parameters:
        if node.kind == "frozen":
            powers = {part.axis: -part.values[f"b[{node.name}]"] for part in given.certificate.axes}
            found[node.name] = theory.Numbers(1.0, theory.Power(powers).at(**sizes), 0.0)
    return found


def start(key: str, shape: tuple[int, ...], std: float, generator: torch.Generator) -> Tensor:
    """Draw an initial weight; gains of norms start equal, their biases and an adapter's B at zero."""
    if ".norm." in f".{key}" or base(key).endswith(".B.weight"):
        return torch.full(shape, std if base(key).endswith("norm.weight") else 0.0, dtype=torch.float64)
    return std * torch.randn(shape, generator=generator, dtype=torch.float64)


@dataclass
class Run:
    """One network in training: initial weights, how far they have moved, and the optimizers' memories.

    The updates are kept apart from the initial weights, so that (W_t - W_0) x_t is not lost to cancellation.
    """

    case: Case
    sizes: Mapping[str, int]
    numbers: Mapping[str, theory.Numbers]
    initial: dict[str, Tensor]
    moved: dict[str, Tensor]
    data: tuple[Tensor, Tensor]
    memory: dict[str, dict[str, Tensor]]

    @classmethod
    def of(cls, case: Case, size: int, seed: int) -> "Run":
        """Draw data, which depend on the seed alone, and weights."""
        sizes = {"width": 0, "depth": 1} | dict(case.fixed) | {case.axis: size}
        numbers = numbers_of(case.given, sizes)
        data = draw_data(case.network.data, torch.Generator().manual_seed(seed))
        generator = torch.Generator().manual_seed(1000 * seed + size)
        initial = {
            key: start(key, shape, numbers[base(key)].init_std, generator)
            for key, shape in case.network.shapes(sizes).items()
        }
        moved = {key: torch.zeros_like(w) for key, w in initial.items()}
        return cls(case, sizes, numbers, initial, moved, data, {key: {} for key in initial})

    def forward(self) -> tuple[Tape, Tensor]:
        """Return the forward pass at the present weights, and its loss."""
        weights = {key: (w + self.moved[key]).requires_grad_() for key, w in self.initial.items()}
        factors = {name: power.at(**self.sizes) for name, power in self.case.given.multipliers.items()}
        own = {name: numbers.multiplier for name, numbers in self.numbers.items()}
        tape = Tape(weights, own | branches(factors), self.sizes)
        logits = self.case.network.forward(tape, self.data[0])
        return tape, loss_of(self.case.loss, logits, self.data[1])

    def gradients(self, tape: Tape, loss: Tensor) -> tuple[dict[str, Tensor], dict[str, list[Tensor]]]:
        """Return the gradients of all trained weights, and those of all recorded tensors."""
        trained = [key for key in tape.weights if self.numbers[base(key)].lr]
        tensors = [use.y for uses in tape.uses.values() for use in uses]
        found = torch.autograd.grad(loss, [*(tape.weights[key] for key in trained), *tensors])
        rest = iter(found[len(trained) :])
        arriving = {name: [next(rest) for _ in uses] for name, uses in tape.uses.items()}
        return dict(zip(trained, found, strict=False)), arriving

    @torch.no_grad()
    def update(self, gradients: Mapping[str, Tensor], t: int) -> None:
        """Move every weight by its own optimizer's step at its own rate."""
        for key, g in gradients.items():
            numbers, w = self.numbers[base(key)], self.initial[key] + self.moved[key]
            step = STEPS[self.case.given.optimizers[base(key)].name]
            eps = 0.0 if numbers.eps is None else self.case.epsilon * numbers.eps
            rate = self.case.lr * numbers.lr
            self.moved[key].sub_(step(self.memory[key], g, w, eps, t), alpha=rate)


def branches(factors: Mapping[str, float]) -> dict[str, float]:
    """Return fixed factors by the tensor they multiply, without the suffix of the branch."""
    return {name.removesuffix(".branch"): value for name, value in factors.items()}
