"""Time one gradient step of many networks: the ensemble, compiled and not, against a loop over torch models.

Run `python benchmarks/ensemble_step.py`: it prints the ratios, and writes `results/ensemble_step.json` with
the environment beside them and a picture. A ratio is steadier than a time: each is of the best of several
rounds taken in turns, so that other work on the machine falls on all of them.

The floor is 6 x weights x samples x members (positions count as samples for a transformer, as pixels for a
convolution) over the rate of a float32 2048 x 2048 product on the same threads in the same run.

`OMP_NUM_THREADS=1` is how a sweep runs, a block on each core: `results/ensemble_step_1_thread.json`. With
`--device cuda --members 1024` the inverse of a number is the share of the GPU's measured product rate.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from measuring import RESULTS, best, environment, write

from scalewright import nets, theory
from scalewright.nets.losses import resolve
from scalewright.nets.objective import Objective
from scalewright.nets.optimizers import optimizer_of
from scalewright.nets.program import Program
from scalewright.theory import Architecture


@dataclass(frozen=True)
class Case:
    """One kind of network and batch: `work` is the samples that each weight meets, on average."""

    name: str
    architecture: Architecture
    build: Callable[..., Any]
    width: int
    batch: int
    outputs: int = 10
    inputs: int = 64
    positions: int = 1
    loss: str = "mse"

    def data(self, device: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return one batch: digits, or random bytes with the next one at every position."""
        if self.loss == "mse":
            found = nets.data.load("digits", samples=self.batch, dtype=torch.float32, device=device)
            return found.inputs, found.targets
        generator = torch.Generator().manual_seed(0)
        text = torch.randint(0, self.outputs, (self.batch, self.inputs + 1), generator=generator)
        return text[:, :-1].to(device), text[:, 1:].to(device)


def cases() -> list[Case]:
    """Return the cases: three batch sizes of a small network, a wide one, images, text."""
    mlp, rules = partial(nets.models.mlp, 3), theory.mlp(3)
    small = [Case(f"MLP 64, batch {batch}", rules, mlp, 64, batch) for batch in (16, 64, 256)]
    return [
        *small,
        Case("MLP 256, batch 256", rules, mlp, 256, 256),
        Case(
            "ConvNet 16, batch 64", theory.convnet(3), partial(nets.models.convnet, 3), 16, 64, positions=64
        ),
        Case(
            "GPT 32, 2 blocks, batch 16 x 32",
            theory.gpt(),
            partial(nets.models.gpt, 2),
            32,
            16,
            outputs=64,
            inputs=32,
            positions=32,
            loss="cross-entropy",
        ),
    ]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--name", help="of the result, in place of that of the device")
    given = parser.parse_args()
    rows = [measure(case, given.members, given.device, given.rounds) for case in cases()]
    usual = "ensemble_step" if given.device == "cpu" else f"ensemble_step_{given.device}_{given.members}"
    name = given.name or usual
    write(name, {"members": given.members, "cases": rows, "environment": environment()})
    draw(rows, name)


def measure(case: Case, members: int, device: str, rounds: int) -> dict[str, Any]:
    """Return the best times of one step in milliseconds, and what they are worth."""
    rules = theory.named(case.architecture, "mup", "sgd")
    sizes = {"width": case.width, "inputs": case.inputs, "outputs": case.outputs}
    ensemble = nets.Ensemble.of(
        case.build, rules, seeds=range(members), lrs=(1e-3,), dtype=torch.float32, device=device, **sizes
    )
    inputs, targets = case.data(device)
    plain = Objective.of(ensemble, case.loss, (inputs, targets))
    program = Program(ensemble.model, resolve(case.loss), compiled=True)
    compiled = Objective.of(ensemble, case.loss, (inputs, targets), program=program)
    models = [case.build(**sizes).to(device) for _ in range(members)]
    value = resolve(case.loss)

    def loop() -> None:
        for model in models:
            value.value(model(inputs)[None], targets).sum().backward()
            with torch.no_grad():
                for weight in model.parameters():
                    if weight.grad is not None:
                        weight -= 1e-3 * weight.grad
                        weight.grad = None

    start = time.perf_counter()
    step(compiled)()
    first = time.perf_counter() - start
    square = torch.randn(2048, 2048, device=device)
    runs = {
        "product": lambda: square @ square,
        "loop": loop,
        "eager": step(plain),
        "compiled": step(compiled),
    }
    times = best(runs, rounds=rounds)
    operations = 6 * ensemble.size * members * case.batch * _reuse(case, ensemble)
    rate = 2 * 2048**3 / times["product"]
    floor = operations / rate
    gain = times["eager"] - times["compiled"]
    row = {
        "case": case.name,
        "weights": ensemble.size,
        "first_step_s": first,
        "gflops": rate / 1e6,
        "floor_ms": floor,
        "times_ms": times,
        "over_floor": {name: times[name] / floor for name in ("loop", "eager", "compiled")},
        "loop_over_ensemble": {name: times["loop"] / times[name] for name in ("eager", "compiled")},
        "steps_that_pay_for_compiling": 1e3 * first / gain if gain > 0 else None,
    }
    print(
        f"{case.name}: {row['over_floor']['compiled']:.2f} times the floor compiled, "
        f"{row['over_floor']['eager']:.2f} not, {row['over_floor']['loop']:.2f} the loop; the loop takes "
        f"{row['loop_over_ensemble']['compiled']:.1f} times the ensemble; first step {first:.1f} s"
    )
    return row


def step(objective: Objective) -> Callable[[], None]:
    """Return one whole step: gradient and update."""
    optimizer, moving = optimizer_of(objective.ensemble), objective.ensemble.active

    def run() -> None:
        _, gradients = objective.gradient()
        optimizer.absorb(gradients)
        optimizer.update(moving)

    return run


def _reuse(case: Case, ensemble: nets.Ensemble) -> float:
    """Return how often a sample meets a weight: once, at each position, or never where a table is read."""
    if case.positions == 1:
        return 1.0
    names = ensemble.parameters
    tables = sum(names[n][0].numel() for n in ("embedding.weight", "positions.weight") if n in names)
    once = names["readout.weight"][0].numel() if case.loss == "mse" else 0
    met = (ensemble.size - tables - once) * case.positions + once
    return met / ensemble.size


def draw(rows: list[dict[str, Any]], name: str) -> None:
    """Draw the times over the floor as bars."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.5, 3.6), layout="constrained")
    colours = {"loop": "#999999", "eager": "#56b4e9", "compiled": "#0072b2"}
    labels = {"loop": "loop over torch models", "eager": "ensemble", "compiled": "ensemble, compiled"}
    for place, (kind, colour) in enumerate(colours.items()):
        heights = [row["over_floor"][kind] for row in rows]
        bars = axes.barh([i + 0.27 * (place - 1) for i in range(len(rows))], heights, 0.25, color=colour)
        bars.set_label(labels[kind])
        axes.bar_label(bars, fmt="%.1f", padding=2, fontsize=7)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [row["case"] for row in rows])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("time of one step over the floor of its floating-point operations")
    axes.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(RESULTS / f"{name}.png", dpi=160)


if __name__ == "__main__":
    main()
