"""Measure the exponents that `theory.profile` predicts, on small networks that know nothing of exponents.

Every network is written out in torch, takes initial standard deviations, rates and epsilons as plain numbers
from `Parametrization.at`, and is trained for a few steps at growing widths or depths. Of every tensor y = W x

    size         rms of y_0                   effective    rms of (W_t - W_0) x_t
    gradient     rms of d loss / d y_0        propagating  rms of W_0 (x_t - x_0)
    change       rms of y_t - y_0

are measured, rms over samples, entries and copies of a block. The slope of log rms against log size is fitted
for every seed by itself; its mean is the measured exponent, its spread over seeds the standard error.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatch
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scalewright import theory

SAMPLES, INPUTS, OUTPUTS = 16, 8, 4
SEQUENCES, POSITIONS = 2, 4
VOCABULARY, HEAD, HEADS, RANK = 12, 8, 2, 4
QUANTITIES = ("size", "gradient", "effective", "propagating", "change")
BILINEAR: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "linear": lambda x, w: x @ w.T,
    "transposed": lambda x, w: x @ w,
    "convolution": lambda x, w: torch.cat([x.roll(1, 1), x, x.roll(-1, 1)], -1) @ w.T,
    "embedding": lambda x, w: w[x],
    "gain": lambda x, w: x * w,
    "bias": lambda x, w: w.expand_as(x),
}


def base(key: str) -> str:
    """Return what a copy such as blocks.0.weight@7 is a copy of."""
    return key.split("@")[0]


def extended(name: str, suffix: str) -> str:
    """Put a suffix before @copy."""
    return base(name) + suffix + name[len(base(name)) :]


@dataclass
class Use:
    """What a tensor was made of: y = m w x of a weight that is called `key`, or y alone."""

    y: Tensor
    op: str = ""
    x: Tensor | None = None
    key: str = ""


@dataclass
class Tape:
    """The weights of one network and what its forward pass made of them, by name; several uses for copies."""

    weights: Mapping[str, Tensor]
    factors: Mapping[str, float]
    sizes: Mapping[str, int]
    uses: dict[str, list[Use]] = field(default_factory=dict)

    def note(self, name: str, y: Tensor) -> Tensor:
        """Record a tensor that no weight makes, under its name without @copy."""
        self.uses.setdefault(base(name), []).append(Use(y))
        return y

    def apply(self, op: str, name: str, x: Tensor, key: str = "") -> Tensor:
        """Apply a weight, `name`.weight unless `key` names it, and record the outcome."""
        key = key or extended(name, ".weight")
        y = self.factors.get(base(key), 1.0) * BILINEAR[op](x, self.weights[key])
        y = x + y if op == "bias" else y
        self.uses.setdefault(base(name), []).append(Use(y, op, x, key))
        return y

    def norm(self, name: str, x: Tensor, kind: str, affine: bool = True) -> Tensor:
        """Normalise over entries (layer, rms) or over everything else (batch), then gain and bias."""
        axes = tuple(range(x.ndim - 1)) if kind == "batch" else (-1,)
        centred = x if kind == "rms" else x - x.mean(axes, keepdim=True)
        y = self.note(name, centred / (centred.square().mean(axes, keepdim=True) + 1e-12).sqrt())
        if not affine:
            return y
        y = self.apply("gain", extended(name, ".scaled"), y, extended(name, ".weight"))
        if kind == "rms":
            return y
        return self.apply("bias", extended(name, ".scaled.shifted"), y, extended(name, ".bias"))


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


def rms(tensors: Iterable[Tensor]) -> float:
    """Root mean square over the entries of all tensors."""
    found = list(tensors)
    return math.sqrt(sum(float(x.square().sum()) for x in found) / sum(x.numel() for x in found))


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


@dataclass(frozen=True)
class Measured:
    """One exponent: predicted, measured with its standard error, and the slope of the two largest sizes.

    `plateau` is the share of the predicted power in the mean square at the largest size, if a term smaller by
    N^-1/2 is all that stands beside it: near 1 where the sizes have settled, 0 if the predicted term isn't
    there. `exactly_zero` says whether every size was 0, for which the prediction is "-oo" and no slope.
    """

    case: str
    tensor: str
    quantity: str
    predicted: str
    slope: float
    error: float
    local: float
    local_error: float
    plateau: float
    plateau_error: float
    exactly_zero: bool

    @property
    def tolerance(self) -> float:
        """0.1; 0.15 for the propagating update of the logits and their change, of which it is a part."""
        return 0.15 if self.tensor in LOGITS and self.quantity in ("propagating", "change") else 0.1

    @property
    def exception(self) -> str:
        """Why the slope is known to miss the prediction, or nothing."""
        for (case, tensor, quantity), why in EXCEPTIONS.items():
            if (case, quantity) == (self.case, self.quantity) and fnmatch(self.tensor, tensor):
                return why
        return ""

    def misses(self, predicted: str | None = None) -> float:
        """Return the distance of the measured slope from the prediction, or from another one."""
        wanted = self.predicted if predicted is None else predicted
        if wanted == "-oo" or self.exactly_zero:
            return 0.0 if wanted == "-oo" and self.exactly_zero else math.inf
        return abs(self.slope - float(Fraction(wanted)))


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


def measure(case: Case, size: int, seed: int) -> dict[tuple[str, str], float]:
    """Train one network and return the rms of every quantity of every tensor."""
    run = Run.of(case, size, seed)
    first, loss = run.forward()
    gradients, arriving = run.gradients(first, loss)
    for t in range(1, case.steps + 1):
        run.update(gradients, t)
        last, loss = run.forward()
        gradients = run.gradients(last, loss)[0] if t < case.steps else {}
    with torch.no_grad():
        found = {(name, "size"): rms(use.y for use in uses) for name, uses in first.uses.items()}
        found |= {(name, "gradient"): rms(gs) for name, gs in arriving.items()}
        for name, uses in first.uses.items():
            found |= {(name, quantity): value for quantity, value in moved(run, uses, last.uses[name])}
    return found


def moved(run: Run, before: list[Use], after: list[Use]) -> Iterable[tuple[str, float]]:
    """Yield the change of a tensor, and the two parts of it where a weight makes it."""
    yield "change", rms(b.y - a.y for a, b in zip(before, after, strict=True))
    if not before[0].op:
        return
    product = BILINEAR[before[0].op]
    scale = [run.numbers[base(use.key)].multiplier for use in before]
    yield (
        "effective",
        rms(m * product(use.x, run.moved[use.key]) for m, use in zip(scale, after, strict=True)),
    )
    if before[0].x.is_floating_point():
        changes = zip(scale, before, after, strict=True)
        yield "propagating", rms(m * product(b.x - a.x, run.initial[a.key]) for m, a, b in changes)


def compare(case: Case) -> list[Measured]:
    """Measure all sizes and seeds of a case, and return every exponent that is predicted."""
    runs = [[measure(case, size, seed) for size in case.sizes] for seed in range(case.seeds)]
    predicted, rows = predictions(case, runs[0][0]), []
    for (tensor, quantity), value in predicted.items():
        values = np.array([[found[tensor, quantity] for found in run] for run in runs])
        rows.append(fitted(case, tensor, quantity, value, values))
    return rows


def predictions(
    case: Case, measured: Iterable[tuple[str, str]], given: theory.Parametrization | None = None
) -> dict[tuple[str, str], str]:
    """Return what `profile` says of what was measured, under the case's parametrization or another.

    The gradient is measured before any step, where the calculus has it at the first step.
    """
    part = theory.profile(given or case.given, loss=case.loss)[case.axis]
    found = {}
    for tensor, quantity in measured:
        value = getattr(part.row(tensor, step=1 if quantity == "gradient" else case.step), quantity)
        found |= {} if value is None else {(tensor, quantity): str(value)}
    return found


def fitted(case: Case, tensor: str, quantity: str, predicted: str, values: np.ndarray) -> Measured:
    """Fit log rms (a row a seed) against log size: mean and standard error of the seeds' slopes."""
    if not values.any():
        return Measured(case.name, tensor, quantity, predicted, *[math.nan, 0.0] * 3, True)
    x, y = np.log(np.array(case.sizes, float)), np.log(values)
    slopes = np.polyfit(x, y.T, 1)[0]
    local = (y[:, -1] - y[:, -2]) / (x[-1] - x[-2])
    power = 0.0 if predicted in ("-oo", "oo") else float(Fraction(predicted))
    shares = np.array([plateau(x, 2 * (row - power * x)) for row in y])
    found = [f(v) for v in (slopes, local, shares) for f in (mean, standard_error)]
    return Measured(case.name, tensor, quantity, predicted, *found, False)


def mean(values: np.ndarray) -> float:
    """Return the mean over seeds."""
    return float(values.mean())


def standard_error(values: np.ndarray) -> float:
    """Return the standard error of a mean over seeds."""
    return float(values.std(ddof=1) / math.sqrt(len(values)))


def plateau(x: np.ndarray, log_square: np.ndarray) -> float:
    """Fit exp(log_square) = b + a / N by relative least squares; return b's share at the largest N."""
    square, inverse = np.exp(log_square - log_square.max()), np.exp(x[0] - x)
    design = np.stack([np.ones_like(x), inverse], 1) / square[:, None]
    level, rest = np.linalg.lstsq(design, np.ones_like(x), rcond=None)[0]
    return float(level / (level + rest * inverse[-1]))


WIDE, MIDDLE, SQUARES = (256, 512, 1024, 2048, 4096), (128, 256, 512, 1024), (256, 1024, 4096)
DEEP = (8, 16, 32, 64, 128, 256)
LOGITS = ("readout", "readout.shifted", "readout.multiplier", "decoder.output")
NECK, ADAPTERS = "autoencoder, neck n^1/2, Adam", "gpt, adapters (LoRA), Adam"
FIXED, TIED = "gpt, fixed heads, Adam", "gpt, tied, gated, rms norm, Adam"
# (case, tensor, quantity) -> why the measured slope is known to miss the prediction.
EARLY = "B starts at zero, so no change came about through the rows of A yet: independent, n^-1/2 smaller"
COHERENT = "the readout's own rows carry n^-1/4 of a change that came through n^1/2 units, not all of it"
MET = "a tied readout meets its own rows, the embeddings, in x before any training: aligned"
SLOW = "an aligned part beside a larger independent one that is n^-1/2 smaller in the end: see the plateau"
HIDDEN = "the aligned part comes back through B and A: smaller than the independent one up to n = 1000"
EXCEPTIONS: dict[tuple[str, str, str], str] = {
    (f"{ADAPTERS}, step 1", "*.A", "propagating"): EARLY,
    (f"{ADAPTERS}, step 1", "*.A", "change"): EARLY,
    (f"{NECK}, step 1", "decoder.output", "propagating"): COHERENT,
    (f"{NECK}, step 1", "decoder.output", "change"): COHERENT,
    (TIED, "readout", "size"): MET,
    (TIED, "readout.multiplier", "size"): MET,
    (ADAPTERS, "*.A", "propagating"): HIDDEN,
    (FIXED, "blocks.attention.scores", "change"): SLOW,
}


def standard() -> Iterable[Case]:
    """Multilayer perceptrons that start with unit gain in every layer, the readout too."""
    named, tanh = theory.named, theory.mlp(3, "tanh")
    net = perceptron(3, torch.tanh)
    sgd, adam = named(tanh, "sp", "sgd"), named(tanh, "sp", "adam")
    yield Case("mlp, SP n^-1/2, SGD", sgd, net, 0.02, rates={"width": "-1/2"}, seeds=8)
    yield Case("mlp, SP n^-1, SGD", sgd, net, 0.5, seeds=8)
    yield Case("mlp, SP n^-1, Adam", adam, net, 0.02, rates={"width": "-1"})
    yield Case("mlp, SP n^-3/2, Adam", adam, net, 0.5)
    yield Case("mlp, NTP, SGD", named(tanh, "ntp", "sgd"), net, 0.2, seeds=8)
    yield Case("mlp, SP full align, Adam", named(tanh, "sp-full-align", "adam"), net, 0.02)
    two = named(theory.mlp(2), "sp", "sgd")
    start = Case("mlp of 2, SP n^0, SGD, step 1", two, perceptron(2), 1e-3, rates={"width": "0"})
    yield replace(start, seeds=8, steps=1, step=1)
    squared = named(theory.mlp(3, loss="squared"), "sp", "sgd")
    blown = Case("mlp, SP n^-1/2, SGD, squared, step 1", squared, perceptron(3), 2.0, loss="squared")
    yield replace(blown, rates={"width": "-1/2"}, sizes=WIDE[:-1], seeds=8, steps=1, step=1)


def maximal() -> Iterable[Case]:
    """Multilayer perceptrons in the maximal update parametrization, by optimizer."""
    named, mlp, net = theory.named, theory.mlp, perceptron(3)
    squared = named(mlp(4, loss="squared"), "mup", "sgd")
    yield Case("mlp of 4, muP, SGD, squared", squared, perceptron(4), 0.1, loss="squared", sizes=WIDE[:-1])
    yield Case("mlp of 2, mean field, SGD", named(mlp(2), "mean-field", "sgd"), perceptron(2), 0.1, seeds=8)
    biased = named(mlp(3, bias=True), "mup", "adam")
    yield Case("mlp with biases, muP, Adam", biased, perceptron(3, bias=True), 0.02)
    for name in ("sign", "muon", "adafactor"):
        yield Case(f"mlp, muP, {name}", named(mlp(3), "mup", name), net, 0.02, sizes=WIDE[:-1])
    adam = named(mlp(3), "mup", "adam").in_gauge("no-multipliers")
    kept = {name: replace(scaling, eps=theory.Power.one()) for name, scaling in adam.entries.items()}
    for name, given in (("large", adam), ("large, unscaled", replace(adam, entries=kept))):
        yield Case(f"mlp, muP, Adam, epsilon {name}", given, net, 0.05, sizes=WIDE[:-1], epsilon=1.0)


def other_networks() -> Iterable[Case]:
    """Convolutions, bottlenecks, attention, tied weights and adapters."""
    named, gpt = theory.named, theory.gpt
    plain = named(theory.convnet(3), "mup", "momentum")
    yield Case("convnet, muP, momentum", plain, convolutional(None), 0.01, sizes=MIDDLE)
    normed = named(theory.convnet(3, norm="batch"), "mup", "adam")
    yield Case("convnet with batch norm, muP, Adam", normed, convolutional("batch"), 0.01, sizes=MIDDLE)
    neck = named(theory.autoencoder("1/2"), "mup", "adam")
    later = Case(NECK, neck, autoencoding(), 0.5, sizes=SQUARES, loss="squared")
    yield from (later, replace(later, name=f"{NECK}, step 1", lr=0.02, steps=1, step=1))
    fixed = named(gpt(heads="fixed", activation="silu"), "mup", "adam")
    yield Case(FIXED, fixed, Transformer(heads="fixed").network, 0.05, sizes=(256, 512, 1024, 2048))
    grow = named(gpt(activation="silu"), "mup", "muon+adam")
    yield Case("gpt, heads grow, Muon and Adam", grow, Transformer().network, 0.02, sizes=MIDDLE)
    tied = named(gpt(tied=True, norm="rms", gated=True, activation="silu"), "mup", "adam")
    yield Case(TIED, tied, Transformer(norm="rms", tied=True, gated=True).network, 0.02, sizes=MIDDLE)
    adapted, net = named(theory.lora(activation="silu"), "mup", "adam"), Transformer(adapters=True, blocks=2)
    later = Case(ADAPTERS, adapted, net.network, 0.3, sizes=(64, 256, 1024), steps=8)
    yield from (later, replace(later, name=f"{ADAPTERS}, step 1", lr=0.02, steps=1, step=1))


def deep_networks() -> Iterable[Case]:
    """Residual networks of one width on the axis depth."""
    for layers, name, optimizer in (
        (1, "depth-mup", "sgd"),
        (1, "completep", "adam"),
        (2, "depth-mup", "adam"),
        (2, "completep", "sgd"),
        (2, "completep", "adam"),
    ):
        found = theory.named(theory.resnet(layers), name, optimizer)
        case = f"resnet, {layers} a branch, {name}, {optimizer}"
        yield Case(case, found, residual(layers), 0.05, "depth", DEEP, {"width": 64}, seeds=6)


GROUPS: dict[str, Callable[[], Iterable[Case]]] = {
    "standard": standard,
    "maximal": maximal,
    "other networks": other_networks,
    "deep networks": deep_networks,
}


def line(row: Measured) -> str:
    """Return a row of the table."""
    measured = "exactly 0" if row.exactly_zero else f"{row.slope:6.2f} +- {row.error:.2f}"
    local = "" if row.exactly_zero else f"{row.local:6.2f} +- {row.local_error:.2f}"
    mark = "" if row.misses() <= row.tolerance else f"  misses: {row.exception or 'unexplained'}"
    name = f"{row.case:42} {row.tensor:32} {row.quantity:12}"
    return f"{name} {row.predicted:>5} {measured:>15} {local:>15}{mark}"


def plot_exponents(rows: Sequence[Measured], ax: Any = None) -> Any:
    """Draw measured against predicted exponents: by quantity in colour, marker and place."""
    import matplotlib.pyplot as plt

    ax = ax or plt.subplots(figsize=(7, 6))[1]
    shown = [row for row in rows if not row.exactly_zero and row.predicted not in ("-oo", "oo")]
    ends = np.array([min(r.slope for r in shown) - 0.3, max(r.slope for r in shown) + 0.3])
    ax.fill_between(ends, ends - 0.1, ends + 0.1, color="0.88", label="prediction ± 0.1", lw=0)
    ax.plot(ends, ends, color="0.4", lw=1)
    styles = zip(QUANTITIES, "osD^v", ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"), strict=True)
    for place, (quantity, marker, colour) in enumerate(styles):
        some = [row for row in shown if row.quantity == quantity]
        aside = 0.03 * (place - 2)
        x, y = [float(Fraction(r.predicted)) + aside for r in some], [r.slope + aside for r in some]
        bars = [row.error for row in some]
        ax.errorbar(x, y, bars, fmt=marker, ms=4, lw=0.8, alpha=0.7, color=colour, label=quantity)
        known = [(a, b) for a, b, row in zip(x, y, some, strict=True) if row.exception]
        ax.plot(*zip(*known, strict=True), "o", **RING) if known else None
    ax.plot([], [], "o", **RING, label="known exception")
    ax.set(xlabel="predicted exponent", ylabel="measured exponent", xlim=ends, ylim=ends)
    ax.legend(
        frameon=False, loc="upper left", title="quantities are set apart along the diagonal", alignment="left"
    )
    return ax


RING = {"ms": 9, "mfc": "none", "mec": "black", "mew": 0.7}


def draw(rows: Sequence[Measured], path: Path) -> None:
    """Write the figure."""
    import matplotlib

    matplotlib.use("Agg")
    figure = plot_exponents(rows).figure
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print a line an exponent; write results/measured_exponents.json and the figure."""
    from scalewright.papers.provenance import environment

    rows, seconds = [], {}
    for case in (case for group in GROUPS.values() for case in group()):
        begin = time.perf_counter()
        found = compare(case)
        seconds[case.name] = round(time.perf_counter() - begin, 1)
        rows += found
        print("\n".join(map(line, found)), flush=True)
    missed = [row for row in rows if row.misses() > row.tolerance]
    print(f"{len(seconds)} cases, {len(rows)} exponents, {len(missed)} miss by more than the tolerance")
    path = Path(__file__).parent / "results" / "measured_exponents.json"
    written = [asdict(row) | {"exception": row.exception} for row in rows]
    content = {"rows": written, "seconds": seconds, "environment": environment()}
    path.write_text(json.dumps(content, indent=1).replace("NaN", "null") + "\n")
    draw(rows, Path(__file__).parents[1] / "docs" / "images" / "measured-exponents.png")


if __name__ == "__main__":
    main()
