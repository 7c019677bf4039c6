"""Train one torch model by SGD on batches, and observe gradients and isometry by layer on the way."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from scalewright.nets.data import TensorData, as_data
from scalewright.nets.losses import Loss, check_classes, resolve
from scalewright.nets.observe import observe, weight_layers
from scalewright.sim.dataset import dataset

Progress = Callable[[int, int], None]
QUANTITIES = ("log_gradient", "isometry_gap", "weight_gap")


def train(
    model: nn.Module,
    data: Any,
    *,
    epochs: int,
    batch: int,
    lr: float,
    momentum: float = 0.0,
    loss: str | Loss = "cross-entropy",
    test: Any = None,
    seed: int = 0,
    observe_at: Iterable[int] = (),
    quantities: Sequence[str] = QUANTITIES,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Train a model in place by SGD on batches of one size, and return its trajectory by epoch.

    Every epoch takes the samples in a new order and leaves out the last, incomplete batch. Entry e of `epoch`
    is after e passes; entry 0 is the initialisation.

    - `loss`, `accuracy`: means over the batches of the pass that ended, in training mode, each before its
      update; at entry 0, of the first batch;
    - `test_accuracy`: over `test`, in evaluation mode, in batches of the same size (`accuracy`);
    - at `observe_at`, on the first `batch` samples in training mode, by weight layer: `log_gradient`, the log
      Frobenius norm of dL/dW, summed in float64; `isometry_gap` of the layer's output; `weight_gap` of W.
      Layers are the submodules with a weight matrix of their own.

    Training stops at the first batch whose loss or gradient is not finite: `diverged_at` tells the update, -1
    otherwise, and `status` says what happened and what to do; later entries are nan. A gradient that
    overflows the numbers of the model is reported so, and never replaced.

    Args:
        model: any module; it moves.
        data: an (inputs, targets) pair or the result of `data.load`.
        epochs: passes over the data, >= 0.
        batch: samples a batch; as many as the data have at most.
        lr, momentum: of torch's SGD.
        loss: "cross-entropy" or "mse".
        test: held-out data, likewise; None leaves `test_accuracy` out.
        seed: of the order of samples; no global generator is touched.
        observe_at: epochs.
        quantities: which of the three to observe.
        progress: called with (epochs done, epochs).

    Raises:
        ValueError: an epoch, batch, rate, quantity, loss or data that cannot be used.

    Example:
        >>> from scalewright import nets
        >>> digits = nets.data.load("digits", targets="one-hot", dtype=torch.float32, device="cpu")
        >>> network = nets.models.batchnorm_mlp(20, 64, 64, 10)
        >>> path = train(network, digits, epochs=2, batch=64, lr=0.01)
        >>> bool(path.accuracy[-1] > 0.8)
        True
    """
    observed = _check(epochs, batch, lr, momentum, observe_at, quantities)
    chosen = resolve(loss)
    seen, held = _on(model, data, chosen), None if test is None else _on(model, test, chosen)
    for name, samples in (("batch", seen), ("batch for the test data", held)):
        if samples is not None and len(samples.inputs) < batch:
            raise ValueError(
                f"minibatch.train: {name} must be at most {len(samples.inputs)}, the number of "
                f"samples; given "
                f"{batch}"
            )
    log = _Log(model, seen, held, chosen, batch, epochs, quantities)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    stream = np.random.default_rng(np.random.SeedSequence([int(seed), 0xBA7C]))
    model.train()
    log.start()
    for epoch in range(epochs + 1):
        if epoch in observed and log.diverged_at < 0:
            log.observe(epoch)
        if epoch == epochs or log.diverged_at >= 0:
            break
        log.advance(epoch + 1, stream.permutation(len(seen.inputs)), optimizer)
        if progress:
            progress(epoch + 1, epochs)
    return log.dataset({"lr": lr, "momentum": momentum, "batch": batch, "seed": int(seed)})


def accuracy(model: nn.Module, data: Any, *, batch: int) -> float:
    """Return the share of samples whose largest output is their class's, in evaluation mode.

    Samples are taken in order in batches of the same size; the last one is filled with samples from the
    front, of which only the missing ones are counted. The mode of the model is restored.
    """
    samples = as_data(data)
    labels = _labels(samples.targets)
    was = model.training
    model.eval()
    hits = 0
    with torch.no_grad():
        for first in range(0, len(labels), batch):
            taken = torch.arange(first, first + batch) % len(labels)
            fresh = min(batch, len(labels) - first)
            right = model(samples.inputs[taken]).argmax(-1) == labels[taken]
            hits += int(right[:fresh].sum())
    model.train(was)
    return hits / len(labels)


@dataclass
class _Log:
    """What a run writes down, and the model that it trains."""

    model: nn.Module
    data: TensorData
    test: TensorData | None
    loss: Loss
    batch: int
    epochs: int
    quantities: Sequence[str]
    diverged_at: int = -1
    steps: int = 0
    status: str = "complete"

    def __post_init__(self) -> None:
        self.layers = [name for name in weight_layers(self.model) if _holds_matrix(self.model, name)]
        names = ("loss", "accuracy", *(("test_accuracy",) if self.test is not None else ()))
        self.series = {name: np.full(self.epochs + 1, np.nan) for name in names}
        self.by_layer = {
            name: np.full((self.epochs + 1, len(self.layers)), np.nan) for name in self.quantities
        }
        self.labels = _labels(self.data.targets)

    def start(self) -> None:
        """Note loss and accuracy at initialisation, on the first batch."""
        with torch.no_grad(), _unmoved(self.model):
            outputs = self.model(self.data.inputs[: self.batch])
        value = self.loss.value(outputs[None], self.data.targets[: self.batch])[0]
        hits = (outputs.argmax(-1) == self.labels[: self.batch]).double().mean()
        self._note(0, float(value), float(hits))

    def advance(self, epoch: int, order: np.ndarray, optimizer: torch.optim.Optimizer) -> None:
        """Run one pass over the samples, or up to the batch that diverges."""
        losses, hits, count = [], [], len(order) // self.batch
        for index in np.split(order[: count * self.batch], count):
            taken = torch.from_numpy(index).to(self.data.inputs.device)
            outputs, value = self._gradient(taken, optimizer)
            if not self._is_finite(value):
                return
            optimizer.step()
            self.steps += 1
            losses.append(float(value.detach()))
            hits.append(float((outputs.argmax(-1) == self.labels[taken]).double().mean()))
        self._note(epoch, float(np.mean(losses)), float(np.mean(hits)))

    def _gradient(self, taken: Tensor, optimizer: torch.optim.Optimizer) -> tuple[Tensor, Tensor]:
        outputs = self.model(self.data.inputs[taken])
        value = self.loss.value(outputs[None], self.data.targets[taken])[0]
        optimizer.zero_grad()
        value.backward()
        return outputs, value

    def _is_finite(self, value: Tensor) -> bool:
        """Whether loss and gradients are; note the step and say where they are not."""
        gradients = {n: w.grad for n, w in self.model.named_parameters() if w.grad is not None}
        tops = torch.stack([torch.linalg.vector_norm(g, float("inf")) for g in gradients.values()])
        if bool(value.isfinite()) and bool(tops.isfinite().all()):
            return True
        self.diverged_at = self.steps
        bad = [name for name, top in zip(gradients, tops, strict=True) if not bool(top.isfinite())]
        kind = str(value.dtype).removeprefix("torch.")
        self.status = (
            f"{kind} overflow at update {self.steps}: the gradient of {bad[0]} and {len(bad) - 1} other "
            "parameters is not finite while the loss is; use a smaller depth or gain, or float64 to "
            "see its size"
            if bad and bool(value.isfinite())
            else f"diverged at update {self.steps}: the loss is not finite; use a smaller rate"
        )
        return False

    def _note(self, epoch: int, loss: float, hits: float) -> None:
        self.series["loss"][epoch], self.series["accuracy"][epoch] = loss, hits
        if self.test is not None:
            self.series["test_accuracy"][epoch] = accuracy(self.model, self.test, batch=self.batch)

    def observe(self, epoch: int) -> None:
        """Measure gradients, representations and weights by layer on the first batch."""
        with _unmoved(self.model), observe(self.model, self.layers) as records:
            outputs = self.model(self.data.inputs[: self.batch])
        value = self.loss.value(outputs[None], self.data.targets[: self.batch])[0]
        weights = [self.model.get_parameter(f"{name}.weight") for name in self.layers]
        found: dict[str, Callable[[], list[float]]] = {
            "log_gradient": lambda: [_log_norm(g) for g in torch.autograd.grad(value, weights)],
            "isometry_gap": lambda: [_gap(records[name].outputs[-1]) for name in self.layers],
            "weight_gap": lambda: [_gap(weight) for weight in weights],
        }
        for name in self.quantities:
            self.by_layer[name][epoch] = found[name]()

    def dataset(self, attrs: dict[str, Any]) -> xr.Dataset:
        """Return the trajectory."""
        variables: dict[str, Any] = {name: (("epoch",), values) for name, values in self.series.items()}
        variables |= {name: (("epoch", "layer"), values) for name, values in self.by_layer.items()}
        variables["diverged_at"] = ((), self.diverged_at)
        coords = {"epoch": np.arange(self.epochs + 1)}
        if self.by_layer:
            coords["layer"] = np.arange(len(self.layers))
        first = next(self.model.parameters())
        return dataset(
            variables,
            coords,
            attrs
            | {
                "loss": self.loss.name,
                "data": self.data.name,
                "data_sha256": self.data.sha256,
                "samples": len(self.data.inputs),
                "steps": self.steps,
                "status": self.status,
                "dtype": str(first.dtype).removeprefix("torch."),
                "device": str(first.device),
                "torch": str(torch.__version__),
            },
        )


def _holds_matrix(model: nn.Module, name: str) -> bool:
    """Whether a submodule has a weight of at least two dimensions: gains of norms and biases have none."""
    weight = getattr(model.get_submodule(name), "weight", None)
    return isinstance(weight, Tensor) and weight.ndim >= 2


def _gap(tensor: Tensor) -> float:
    """Return the isometry gap: log of arithmetic over geometric mean of the squared singular values.

    More than two dimensions, as of a convolution, count as one behind the first.
    """
    matrix = tensor.detach().flatten(1)
    values = torch.linalg.svdvals(matrix.double()).square()
    floor = (max(matrix.shape) * torch.finfo(matrix.dtype).eps) ** 2
    if not bool(values.isfinite().all()):
        return float("nan")
    if bool((values <= floor * values[0]).any()):
        return float("inf")
    return max(0.0, float(values.mean().log() - values.log().mean()))


def _log_norm(gradient: Tensor) -> float:
    """Return the log of the norm, the largest entry taken out first; inf where an entry overflowed."""
    entries = gradient.double().abs()
    top = entries.max()
    if not bool(top.isfinite()):
        return float("inf")
    return float(top.log() + (entries / top).norm().log()) if bool(top > 0) else float("-inf")


@contextmanager
def _unmoved(model: nn.Module) -> Iterator[None]:
    """Put the buffers of a model back after a call in training mode has moved its running averages."""
    kept = {name: copy.deepcopy(buffer) for name, buffer in model.named_buffers()}
    yield
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            buffer.copy_(kept[name])


def _on(model: nn.Module, data: Any, loss: Loss) -> TensorData:
    """Return the data on the device and in the numbers of the model."""
    first = next(model.parameters())
    samples = as_data(data).to(first.dtype, first.device)
    loss.check(samples.targets, len(samples.inputs))
    if samples.targets.ndim == 1:
        with torch.no_grad(), _unmoved(model):
            check_classes(samples.targets, model(samples.inputs[:2]).shape[-1])
    return samples


def _labels(targets: Tensor) -> Tensor:
    return targets if targets.ndim == 1 else targets.argmax(-1)


def _check(
    epochs: int,
    batch: int,
    lr: float,
    momentum: float,
    observe_at: Iterable[int],
    quantities: Sequence[str],
) -> frozenset[int]:
    for name, value, least in (("epochs", epochs, 0), ("batch", batch, 1)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(
                f"minibatch.train: {name} must be an integer of at least {least}; given {value!r}"
            )
    if not 0 < lr < float("inf"):
        raise ValueError(f"minibatch.train: lr must be positive and finite; given {lr!r}")
    if not 0 <= momentum < 1:
        raise ValueError(f"minibatch.train: momentum must lie in [0, 1); given {momentum!r}")
    for name in quantities:
        if name not in QUANTITIES:
            raise ValueError(
                f"minibatch.train: every quantity must be one of {', '.join(QUANTITIES)}; given {name!r}"
            )
    observed = frozenset(observe_at)
    outside = [e for e in observed if not isinstance(e, int | np.integer) or not 0 <= e <= epochs]
    if outside:
        raise ValueError(
            f"minibatch.train: observe_at must hold epochs between 0 and {epochs}; given {outside[0]}"
        )
    return observed
