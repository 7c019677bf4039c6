"""What a grid will cost before it runs: operations, memory, blocks, and time from a measured rate."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from scalewright.nets.descent import Descent
from scalewright.nets.parametrize import construct
from scalewright.nets.record import Precision
from scalewright.nets.sweep.execute import computing, ensemble_of
from scalewright.nets.sweep.grid import Grid
from scalewright.nets.sweep.plan import Planned, plan
from scalewright.nets.sweep.specification import MEMBER, WHOLE, Run
from scalewright.nets.sweep.task import build_of, feed_of, sizes_of

#: Gradients that the flow takes from one recorded time to the next: a guess.
FLOW = 60
#: Copies of the weights: initial, present, gradient and update, and the moments of the optimizer.
COPIES = {"sgd": 4, "sign": 4, "momentum": 5, "adam": 7, "adamw": 7, "flow": 12}


@dataclass(frozen=True)
class Cost:
    """The cost of the runs of one shape.

    Attributes:
        label: what tells the shape from the others. runs, blocks: how many.
        parameters: of one network. operations: floating-point operations of all runs' gradients.
        memory: bytes of one block's weights and activations, estimated.
        seconds: on one worker, from the time of one gradient measured here; nan where it was not measured.
    """

    label: str
    runs: int
    blocks: int
    parameters: int
    operations: float
    memory: float
    seconds: float


def sizing(grid: Grid, *, measured: bool = True) -> list[Cost]:
    """Return what the runs of a grid will cost, a row for every shape of network.

    The operations are those of torch's own counter on one network, for the gradients alone. The time is
    measured: a few steps of one block of each shape, and one look at its observables, times their numbers.
    The gradient flow is counted at 60 gradients from one recorded time to the next, which is a guess.
    Compilation, files and other work on the machine are left out, compiled programs are timed uncompiled, and
    eigenvalues may take more products later in training.

    Args:
        measured: whether to train a block of each shape for a moment; without, `seconds` is nan.

    Raises:
        ValueError: a block that is too large for this machine.

    Cost: one block of every shape in memory, one after the other.
    """
    groups: dict[tuple[object, ...], list[Planned]] = {}
    for block in plan(grid.runs, [""] * grid.size):
        groups.setdefault(block.runs[0].shape(), []).append(block)
    axes = [axis for axis in grid.axes if axis not in MEMBER]
    try:
        return [_cost(group, axes, measured) for group in groups.values()]
    except (RuntimeError, MemoryError) as error:  # torch's way to say that memory is short
        reason = " ".join(str(error).split())[:120]
        raise ValueError(f"sizing: a block of this grid can't be made here: {reason}") from None


def _cost(blocks: Sequence[Planned], axes: Sequence[str], measured: bool) -> Cost:
    run = blocks[0].runs[0]
    runs = sum(len(block.runs) for block in blocks)
    module = construct(build_of(run), **sizes_of(run))
    parameters = sum(weight.numel() for weight in module.parameters())
    operations, activations = _counted(module, run)
    slots, size = max(block.slots for block in blocks), torch.finfo(getattr(torch, run.precision)).bits // 8
    seconds = _seconds(blocks[0]) * len(blocks) if measured else float("nan")
    return Cost(
        ", ".join([*(f"{axis} {getattr(run, axis)}" for axis in axes), run.precision]),
        runs,
        len(blocks),
        parameters,
        operations * _gradients(run) * runs,
        size * slots * (COPIES[run.optimizer] * parameters + activations),
        seconds,
    )


def _gradients(run: Run) -> int:
    """Return how many gradients a run takes beside those of its observables."""
    points = len(run.schedule_points())
    return FLOW * (points - 1) + 1 if run.optimizer == "flow" else run.steps + 1


def _counted(module: torch.nn.Module, run: Run) -> tuple[float, float]:
    """Return the operations of one gradient of one network, and the numbers in its activations."""
    from torch.utils.flop_counter import FlopCounterMode

    samples = run.samples if run.batch == WHOLE else int(run.batch)
    inputs = torch.zeros(1, run.inputs, dtype=torch.int64 if run.model == "gpt" else torch.float32)
    kept = 0

    def note(_: torch.nn.Module, __: object, output: torch.Tensor) -> None:
        nonlocal kept
        kept += output.numel()

    hooks = [part.register_forward_hook(note) for part in module.modules() if not list(part.children())]
    with FlopCounterMode(display=False) as counter:
        module(inputs).sum().backward()
    for hook in hooks:
        hook.remove()
    # each output is held with its activation and its gradient
    return float(counter.get_total_flops() * samples), 3.0 * kept * samples


def _seconds(block: Planned) -> float:
    """Return the seconds of a block from those of few steps, with observables and without."""
    run = block.runs[0]
    with computing(run.threads):
        start = time.perf_counter()
        ensemble, feed = ensemble_of(block.padded), feed_of(block.padded)
        made = time.perf_counter() - start
        few = Descent(ensemble, feed, steps=4, loss=run.loss, recorded=())
        few.run()
        step = _timed(few.run) / 5
        look = Descent(
            ensemble,
            feed,
            steps=0,
            loss=run.loss,
            observed=(0,),
            quantities=run.quantities,
            precision=Precision(run.tolerance, run.budget),
        )
        observe = max(0.0, _timed(look.run) - step)
    return made + step * _gradients(run) + observe * len(run.schedule_points())


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
