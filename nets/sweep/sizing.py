"""What a grid will cost before it runs: operations, memory, blocks, and time from a measured rate."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from scalewright.nets.feeds import Feed
from scalewright.nets.losses import resolve
from scalewright.nets.objective import Objective
from scalewright.nets.parametrize import construct
from scalewright.nets.program import Program
from scalewright.nets.sharpness import OPERATORS
from scalewright.nets.sweep.execute import ensemble_of
from scalewright.nets.sweep.grid import Grid
from scalewright.nets.sweep.plan import Planned, plan
from scalewright.nets.sweep.specification import MEMBER, WHOLE, Run
from scalewright.nets.sweep.task import build_of, feed_of, sizes_of

#: Products that one eigenvalue takes, and gradients that one product takes: of typical networks.
PRODUCTS, PER_PRODUCT = 20, 1.7
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

    The operations are those of torch's own counter on one network. The time is that of the gradients, three
    of them measured for each shape, and of the eigenvalues at 20 products each; a gradient flow is counted
    at 1,000 gradients for each recorded time. Compilation, the writing of files and other work on the machine
    are left out: expect the truth within a factor of two.

    Args:
        measured: whether to train a block of each shape for a moment; without, `seconds` is nan.

    Cost: one block of every shape in memory, one after the other.
    """
    groups: dict[tuple[object, ...], list[Planned]] = {}
    for block in plan(grid.runs, [""] * grid.size):
        groups.setdefault(block.runs[0].shape(), []).append(block)
    axes = [axis for axis in grid.axes if axis not in MEMBER]
    return [_cost(group, axes, measured) for group in groups.values()]


def _cost(blocks: Sequence[Planned], axes: Sequence[str], measured: bool) -> Cost:
    run = blocks[0].runs[0]
    runs = sum(len(block.runs) for block in blocks)
    module = construct(build_of(run), **sizes_of(run))
    parameters = sum(weight.numel() for weight in module.parameters())
    operations, activations = _counted(module, run)
    slots, size = max(block.slots for block in blocks), torch.finfo(getattr(torch, run.precision)).bits // 8
    seconds = _time(blocks[0]) * _gradients(run) * len(blocks) if measured else float("nan")
    return Cost(
        ", ".join([*(f"{axis} {getattr(run, axis)}" for axis in axes), run.precision]),
        runs,
        len(blocks),
        parameters,
        operations * _gradients(run) * runs,
        size * slots * (COPIES[run.optimizer] * parameters + activations),
        seconds,
    )


def _gradients(run: Run) -> float:
    """Return how many gradients a run takes, those that its eigenvalues are worth included."""
    points = len(run.schedule_points())
    steps = 1000 * points if run.optimizer == "flow" else run.steps + 1
    spectra = sum(name in OPERATORS for name in run.quantities)
    return steps + points * spectra * PRODUCTS * PER_PRODUCT


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


def _time(block: Planned) -> float:
    """Return the seconds of one gradient of a block, the best of three."""
    run = block.runs[0]
    before = torch.get_num_threads()
    torch.set_num_threads(run.threads)
    try:
        runs = (*block.runs, *[block.runs[-1]] * (block.slots - len(block.runs)))
        ensemble, feed = ensemble_of(runs), feed_of(runs)
        feed = feed.to(ensemble.dtype, ensemble.device)
        program = Program(ensemble.model, resolve(run.loss))
        objective = Objective.of(ensemble, run.loss, feed.evaluation, program=program)
        return min(_seconds(objective, feed) for _ in range(3))
    finally:
        torch.set_num_threads(before)


def _seconds(objective: Objective, feed: Feed) -> float:
    start = time.perf_counter()
    here = objective if feed.whole else objective.on(feed.batch(0))
    losses, _ = here.gradient()
    losses.cpu()
    return time.perf_counter() - start
