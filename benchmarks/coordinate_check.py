"""Time the refined coordinate check of one network against recording its activations, and against a loop.

Run `python benchmarks/coordinate_check.py`: perceptrons and a small transformer after one step of SGD; it
prints ratios and writes `results/coordinate_check.json`. With OMP_NUM_THREADS=1 all arms use one thread.

- refined: `nets.coordinates.monitor.Coordinates.measure`, three forward passes that give effective and
  propagating updates of every layer, their sum, and the sizes of inputs and outputs.
- activations: the plain check of muP, a forward hook on every layer that keeps the root mean square of its
  output. One pass, and it can't say which update made a size grow.
- loop: the same split by hand, as forward hooks and a frozen copy allow it: two passes that keep what every
  layer reads and returns, then every layer of the frozen copy called once more on what its twin read.

Times are in gradients of the same network on the same samples. Memory is the largest sum of bytes that
tensors made during a measurement hold at once.
"""

import argparse
import copy
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from measuring import best, environment, write
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from scalewright import nets
from scalewright.nets.coordinates.monitor import Coordinates, rms

SAMPLES, INPUTS, CLASSES, LENGTH, LR = 256, 64, 10, 32, 0.1
Measure = Callable[[], dict[str, float]]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--widths", type=int, nargs="+", default=[128, 512, 2048])
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    cases = {f"mlp-{width}": perceptron(width) for width in given.widths}
    cases |= {f"gpt-{width}": transformer(width) for width in given.widths[:2]}
    report: dict[str, Any] = {name: measured(*case, rounds=given.rounds) for name, case in cases.items()}
    for name, row in report.items():
        print(
            f"{name}: a refined check takes {row['refined_gradients']:.1f} gradients of the network, "
            f"{row['refined_over_activations']:.1f} times the time of recording activations alone and "
            f"{row['refined_over_loop']:.2f} times that of the loop; memory "
            f"{row['memory_over_activations']:.1f} and {row['memory_over_loop']:.2f} times theirs"
        )
    write("coordinate_check", report | {"samples": SAMPLES, "environment": environment()})


def perceptron(width: int) -> tuple[nn.Module, Tensor, Tensor]:
    """Return a perceptron of 4 layers, inputs and labels."""
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(SAMPLES, INPUTS, generator=draw)
    labels = torch.randint(CLASSES, (SAMPLES,), generator=draw)
    return nets.models.mlp(4, width, INPUTS, CLASSES), inputs, labels


def transformer(width: int) -> tuple[nn.Module, Tensor, Tensor]:
    """Return a transformer of two blocks without gains, windows of tokens and what follows them."""
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(256, (SAMPLES // 8, LENGTH + 1), generator=draw)
    model = nets.models.gpt(2, width, LENGTH, 256, gains=False)
    return model, tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()


def measured(model: nn.Module, inputs: Tensor, labels: Tensor, *, rounds: int) -> dict[str, float]:
    """Return times and memory of the three measurements of a network that has taken one step."""
    watch, frozen = Coordinates(model), copy.deepcopy(model).requires_grad_(False)

    def gradient() -> None:
        model.zero_grad()
        nn.functional.cross_entropy(model(inputs).flatten(0, -2), labels.flatten()).backward()

    gradient()
    with torch.no_grad():
        for weight in model.parameters():
            assert weight.grad is not None
            weight -= LR * weight.grad
    arms: dict[str, Measure] = {
        "refined": lambda: refined(watch, inputs),
        "activations": lambda: activations(model, inputs),
        "loop": lambda: loop(model, frozen, inputs),
    }
    agree(arms["refined"](), arms["loop"]())
    times = best({"gradient": gradient, **arms}, rounds=rounds)
    memory = {name: held(arm) for name, arm in arms.items()}
    return {
        **{f"{name}_ms": value for name, value in times.items()},
        **{f"{name}_bytes": value for name, value in memory.items()},
        "refined_gradients": times["refined"] / times["gradient"],
        "refined_over_activations": times["refined"] / times["activations"],
        "refined_over_loop": times["refined"] / times["loop"],
        "memory_over_activations": memory["refined"] / memory["activations"],
        "memory_over_loop": memory["refined"] / memory["loop"],
    }


def refined(watch: Coordinates, inputs: Tensor) -> dict[str, float]:
    """Return the effective updates of our check."""
    rows = watch.measure(inputs).rows
    return {name: row["effective"] for name, row in rows.items()}


@torch.no_grad()
def activations(model: nn.Module, inputs: Tensor) -> dict[str, float]:
    """Return the root mean square of every layer's output."""
    found: dict[str, float] = {}

    def keep(name: str) -> Any:
        return lambda _, args, output: found.__setitem__(name, rms(output.flatten(0, -2)))

    hooks = [layer.register_forward_hook(keep(name)) for name, layer in layers(model).items()]
    model(inputs)
    for hook in hooks:
        hook.remove()
    return found


@torch.no_grad()
def loop(model: nn.Module, frozen: nn.Module, inputs: Tensor) -> dict[str, float]:
    """Return the effective updates by two passes and one more call of every layer; their parts as well."""
    before, now = kept(frozen, inputs), kept(model, inputs)
    found = {}
    for name, layer in layers(frozen).items():
        crossed = layer(now[name][0])
        flat = [value.flatten(0, -2) for value in (before[name][1], now[name][1], crossed)]
        found[f"{name}.weight"] = rms(flat[1] - flat[2])
        rms(flat[2] - flat[0]), rms(flat[1] - flat[0]), rms(flat[1])
        if now[name][0].is_floating_point():
            read, then = (value.flatten(0, -2) for value in (now[name][0], before[name][0]))
            rms(read), rms(read - then)
    return found


def kept(model: nn.Module, inputs: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Return what every layer reads and returns in one pass."""
    found: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(name: str) -> Any:
        return lambda _, args, output: found.__setitem__(name, (args[0].clone(), output.clone()))

    hooks = [layer.register_forward_hook(keep(name)) for name, layer in layers(model).items()]
    model(inputs)
    for hook in hooks:
        hook.remove()
    return found


def layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers with weights of their own."""
    return {name: layer for name, layer in model.named_modules() if list(layer.parameters(recurse=False))}


def agree(first: dict[str, float], second: dict[str, float]) -> None:
    """Check that both measure the same before anything is timed."""
    for name in first.keys() & second.keys():
        # float32 sums over at most 8192 terms
        assert abs(first[name] - second[name]) <= 1e-4 * max(first[name], 1e-6), name
    assert len(first.keys() & second.keys()) >= 4


class Held(TorchDispatchMode):
    """Sum the bytes of the storages of all tensors that are made and still held, and keep the largest sum."""

    def __init__(self) -> None:
        """Start with nothing."""
        super().__init__()
        self.now, self.most, self._users = 0, 0, Counter[int]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {value.data_ptr() for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)}
        made = func(*args, **(kwargs or {}))
        for value in tree_leaves(made):
            if isinstance(value, Tensor):
                self._add(value, given)
        return made

    def _add(self, value: Tensor, given: set[int]) -> None:
        place, size = value.untyped_storage().data_ptr(), value.untyped_storage().nbytes()
        if place in given and not self._users[place]:
            return  # a view of what was there before
        if not self._users[place]:
            self.now += size
            self.most = max(self.most, self.now)
        self._users[place] += 1
        weakref.finalize(value, self._drop, place, size)

    def _drop(self, place: int, size: int) -> None:
        self._users[place] -= 1
        if not self._users[place]:
            self.now -= size


def held(run: Callable[[], Any]) -> int:
    """Return the most bytes that tensors made by a call hold at once."""
    with Held() as mode:
        run()
    return mode.most


if __name__ == "__main__":
    main()
