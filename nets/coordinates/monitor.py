"""Watch one model: how far every layer has moved from a frozen copy, split into its two causes."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.utils._pytree import tree_leaves

from scalewright.nets.coordinates.alignment import alignments, as_matrix, patches
from scalewright.nets.coordinates.layers import Layer, layers_of, tokens_of
from scalewright.nets.coordinates.passes import Calls, finite, run, state_of
from scalewright.nets.curvature import guard
from scalewright.nets.curvature.loss_function import loss_function
from scalewright.nets.parametrize import Parametrized

#: What is measured of a layer, beside the alignments.
SIZES = ("effective", "propagating", "total", "activation", "input", "input_change", "gradient")


@dataclass(frozen=True)
class Reading:
    r"""What one measurement found.

    Attributes:
        rows: name of a weight or bias -> {quantity: value}. A quantity that a layer does not have is left
            out: a bias and an embedding have no propagating update.
        nonfinite: the first layer, in the order of the forward pass, whose output is not finite; None if all
            are. Then `rows` is empty.
    """

    rows: Mapping[str, Mapping[str, float]]
    nonfinite: str | None = None


class Coordinates:
    r"""Compare a model in training with a frozen copy of itself: the refined coordinate check.

    With $W_0, x_0$ of the frozen copy and $W_t, x_t$ of the model as it is now, for each layer

    $$W_t x_t - W_0 x_0 = \underbrace{(W_t - W_0)\,x_t}_{effective} +
      \underbrace{W_0\,(x_t - x_0)}_{propagating}.$$

    Every size is the root mean square over the features of a token, averaged over tokens (a sample, a
    position of a text, a pixel). A layer's bias is listed by itself. Layers of other kinds are measured as
    functions:
    $f(\theta_t, x_t) - f(\theta_0, x_t)$ and $f(\theta_0, x_t) - f(\theta_0, x_0)$.

    The model is not changed, and no hook is put on it: the copy is called with its weights. Forward hooks
        that
    the model has of its own run in the copy, too, since they may belong to what it computes.

    Attributes:
        skipped: {name: why it is not measured}, complete after the first measurement.

    Reference: Haas et al. 2025, arXiv 2505.22491, equation (RCC).

    Example:
        >>> model, inputs = nn.Linear(3, 2), torch.ones(4, 3)
        >>> watch = Coordinates(model)
        >>> with torch.no_grad():
        ...     _ = model.weight.add_(1.0)  # what training does
        >>> round(watch.measure(inputs).rows["weight"]["effective"], 4)
        3.0
    """

    def __init__(self, model: nn.Module) -> None:
        """Freeze a copy of the model as it is now.

        Raises:
            TypeError: no module. ValueError: a module without parameters, with lazy ones, or one that torch
                spreads over devices.
        """
        if not isinstance(model, nn.Module):
            raise TypeError(f"Coordinates: model must be a torch.nn.Module; given {type(model).__name__}")
        self._model = guard.original(model)
        _check_model(self._model)
        self._shell = copy.deepcopy(self._model).requires_grad_(False)
        self._inner = self._shell.model if isinstance(self._shell, Parametrized) else self._shell
        layers, self.skipped = layers_of(self._inner)
        if not layers and not self.skipped:
            raise ValueError("Coordinates: model must have parameters; given one without any")
        self._layers: list[Layer] = layers
        self._checked = False

    def restart(self) -> None:
        """Freeze the model as it is now in place of the former copy."""
        with torch.no_grad():
            state = dict(self._shell.named_parameters()) | dict(self._shell.named_buffers())
            for name, value in state_of(self._model).items():
                state[name].copy_(value)

    @torch.no_grad()
    def measure(
        self,
        inputs: Any,
        *,
        targets: Any = None,
        loss: Any = None,
        alignment: bool = False,
        seed: int = 0,
    ) -> Reading:
        r"""Measure every layer on a batch.

        Args:
            inputs: a tensor, or a tuple of what the model is called with.
            targets, loss: as for `nets.sharpness`; where they are given, `gradient` is measured: the root
                mean square of $\partial \ell / \partial y$ over the features, times the number of tokens.
            alignment: also measure `operator_alignment`, `frobenius_alignment` and `log_alignment` of linear
                and convolutional layers, of (W_t - W_0, x_t) under "effective_..." and of (W_0, x_t - x_0)
                under "propagating_...".
            seed: of the start vectors of the operator norms.

        Raises:
            ValueError: a model whose forward is random.

        Cost: three forward passes; with a loss one more and its gradient; with alignments two operator norms
        a layer. Memory: the inputs and outputs of all layers three times.
        """
        args = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
        with guard.same_random_state():
            return self._measure(args, targets, loss, alignment, seed)

    def _measure(self, args: tuple[Any, ...], targets: Any, loss: Any, alignment: bool, seed: int) -> Reading:
        before = self._frozen(args)
        _, after = run(self._shell, self._layers, state_of(self._model), args)
        self._drop_refused(before, after)
        for layer in self._layers:
            if not finite(before[layer.row].outputs) or not finite(after[layer.row].outputs):
                return Reading({}, layer.row)
        given = {layer.row: after[layer.row].inputs for layer in self._layers}
        _, crossed = run(self._shell, self._layers, state_of(self._shell), args, given=given)
        rows: dict[str, dict[str, float]] = {}
        modules = dict(self._inner.named_modules())
        for layer in self._layers:
            found = _Layer(layer, modules[layer.module], *(c[layer.row] for c in (before, after, crossed)))
            rows[layer.row] = found.sizes() | (found.alignments(seed) if alignment else {})
            if layer.bias is not None:
                rows[layer.bias] = found.bias_sizes()
        if loss is not None:
            self._add_gradients(rows, args, targets, loss)
        return Reading(rows)

    def _frozen(self, args: tuple[Any, ...]) -> dict[str, Calls]:
        """Call the frozen copy; the first time twice, to see whether its forward is random."""
        outputs, calls = run(self._shell, self._layers, state_of(self._shell), args)
        if not self._checked:
            again, others = run(self._shell, self._layers, state_of(self._shell), args)
            for layer in self._layers:
                if not _same(calls[layer.row].outputs, others[layer.row].outputs):
                    raise ValueError(_RANDOM.format(f"the outputs of {layer.module!r} differ"))
            if not _same(outputs, again):
                raise ValueError(_RANDOM.format("its outputs differ"))
            self._checked = True
        return calls

    def _drop_refused(self, *passes: Mapping[str, Calls]) -> None:
        for calls in passes:
            for row, found in calls.items():
                if found.refused:
                    self.skipped.setdefault(row, found.refused)
        self._layers = [layer for layer in self._layers if layer.row not in self.skipped]

    @torch.enable_grad()
    def _add_gradients(
        self, rows: dict[str, dict[str, float]], args: tuple[Any, ...], targets: Any, loss: Any
    ) -> None:
        learned = {name for name, _ in self._model.named_parameters()}
        state = {name: value.requires_grad_(name in learned) for name, value in state_of(self._model).items()}
        outputs, calls = run(self._shell, self._layers, state, args, keep_graph=True)
        value = loss_function(loss)(outputs, targets)
        tensors = [tensor for layer in self._layers for tensor in calls[layer.row].outputs]
        gradients = iter(torch.autograd.grad(value.sum(), tensors, materialize_grads=True))
        for layer in self._layers:
            found = [next(gradients) for _ in calls[layer.row].outputs]
            tokens = torch.cat([tokens_of(gradient, layer.features) for gradient in found])
            rows[layer.row]["gradient"] = rms(tokens) * len(tokens)


_RANDOM = (
    "Coordinates: the model's forward must not be random; {} between two calls: call model.eval(), or "
    "switch it off"
)


def _check_model(model: nn.Module) -> None:
    """Raise ValueError for models that can't be called with other weights."""
    if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        raise ValueError(
            f"Coordinates: model must be the module itself; given {type(model).__name__}: pass model.module"
        )
    for name, weight in model.named_parameters():
        if isinstance(weight, UninitializedParameter):
            raise ValueError(
                f"Coordinates: parameters must have values; given {name!r} of a lazy module: call it once "
                "first"
            )


def _same(first: Any, second: Any) -> bool:
    """Return whether two outputs are equal to the bit, numbers that are not finite included."""
    pairs = zip(tree_leaves(first), tree_leaves(second), strict=True)
    return all(
        torch.allclose(one, two, rtol=0, atol=0, equal_nan=True)
        for one, two in pairs
        if isinstance(one, Tensor) and isinstance(two, Tensor)
    )


def rms(tokens: Tensor) -> float:
    """Return the root mean square over features, averaged over tokens (tokens, features)."""
    lengths = torch.linalg.vector_norm(tokens, dim=-1, dtype=torch.float64)
    return float(lengths.mean()) / math.sqrt(tokens.shape[-1])


def _joined(values: list[Tensor], features: int) -> Tensor:
    """Return the tokens of all calls (tokens, features), without a copy where there is one call."""
    rows = [tokens_of(value, features) for value in values]
    return rows[0] if len(rows) == 1 else torch.cat(rows)


class _Layer:
    """One layer in the three passes: frozen, as it is now, and frozen but reading what it reads now."""

    def __init__(self, layer: Layer, module: nn.Module, before: Calls, after: Calls, crossed: Calls) -> None:
        self.layer, self.module = layer, module
        self.before, self.after, self.crossed = before, after, crossed

    def sizes(self) -> dict[str, float]:
        """Return the sizes of the layer's updates, of its output, and of its input where that is real."""
        first, now, between = (self._outputs(c) for c in (self.before, self.after, self.crossed))
        found = {
            "effective": rms(now - between),
            "propagating": rms(between - first),
            "total": rms(now - first),
            "activation": rms(now),
        }
        if not self.after.inputs[0].is_floating_point():
            del found["propagating"]  # of an embedding, whose input is no activation
            return found
        read, then = (self._inputs(c) for c in (self.after, self.before))
        return found | {"input": rms(read), "input_change": rms(read - then)}

    def bias_sizes(self) -> dict[str, float]:
        """Return the sizes of the bias: its update is all effective."""
        assert self.before.bias is not None
        assert self.after.bias is not None
        change = rms((self.after.bias - self.before.bias).reshape(1, -1))
        return {"effective": change, "total": change, "activation": rms(self.after.bias.reshape(1, -1))}

    def alignments(self, seed: int) -> dict[str, float]:
        """Return both alignments of a linear or convolutional layer; nothing for other kinds."""
        if self.before.weight is None or self.after.weight is None:
            return {}
        old, new = (as_matrix(self.module, weight) for weight in (self.before.weight, self.after.weight))
        if old is None or new is None:
            return {}
        read, then = (
            torch.cat([patches(self.module, x) for x in c.inputs]) for c in (self.after, self.before)
        )
        first, now, between = (self._outputs(c) for c in (self.before, self.after, self.crossed))
        parts = {
            "effective": (new - old, read, now - between),
            "propagating": (old, read - then, between - first),
        }
        return {
            f"{part}_{name}": value
            for part, three in parts.items()
            for name, value in alignments(*three, seed=seed).items()
        }

    def _outputs(self, calls: Calls) -> Tensor:
        rows = _joined(calls.outputs, self.layer.features)
        return rows - calls.bias if self.layer.bias is not None and calls.bias is not None else rows

    def _inputs(self, calls: Calls) -> Tensor:
        return _joined(calls.inputs, self.layer.features)
