"""Time one full-batch gradient step of 64 MLPs: a loop over plain torch models against the stacked ensemble.

Run `python benchmarks/ensemble_step.py`: it prints the ratios and writes `results/ensemble_step.json` with
the environment beside them. A ratio is steadier than a time: each is of the best of several rounds taken in
turns, so that other work on the machine falls on both.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from measuring import environment

from scalewright import nets, theory
from scalewright.nets.curvature.operators import Hessian
from scalewright.nets.objective import Objective

MEMBERS, WIDTH, SAMPLES, ROUNDS = 64, 64, 256, 15
RESULT = Path(__file__).parent / "results" / "ensemble_step.json"


def main() -> None:
    """Measure, print and write."""
    rules = theory.named(theory.mlp(3), "mup", "sgd")
    build = partial(nets.models.mlp, 3)
    sizes = {"width": WIDTH, "inputs": 64, "outputs": 10, "dtype": torch.float32, "device": "cpu"}
    data = nets.data.load("digits", samples=SAMPLES, dtype=torch.float32, device="cpu")
    ensemble = nets.Ensemble.of(build, rules, seeds=range(MEMBERS), lrs=(0.1,), **sizes)
    models = [nets.models.mlp(3, WIDTH, 64, 10) for _ in range(MEMBERS)]
    objective = Objective.of(ensemble, "mse", data)
    singles = [Objective.of(ensemble.select([member]), "mse", data) for member in range(MEMBERS)]
    hessian = Hessian(ensemble, "mse", data)
    vectors = torch.randn(MEMBERS, hessian.size)

    def loop() -> None:
        for model in models:
            loss = (model(data.inputs) - data.targets).square().sum() / (2 * SAMPLES)
            loss.backward()
            with torch.no_grad():
                for weight in model.parameters():
                    weight -= 1e-3 * weight.grad
                    weight.grad = None

    def stacked() -> None:
        _, gradients = objective.gradient()
        for name, weight in ensemble.parameters.items():
            weight.sub_(gradients[name], alpha=1e-3)

    def fresh_products() -> None:
        for index, single in enumerate(singles):
            leaves = single.ensemble.leaves()
            weights = tuple(leaves.values())
            gradient = torch.autograd.grad(single.losses(leaves).sum(), weights, create_graph=True)
            parts = vectors[index : index + 1].split([weight.numel() for weight in weights], dim=1)
            shaped = [part.reshape(weight.shape) for part, weight in zip(parts, weights, strict=True)]
            torch.autograd.grad(gradient, weights, grad_outputs=shaped)

    step = best(loop, stacked)
    product = best(fresh_products, lambda: hessian.product(vectors))
    report = {
        "members": MEMBERS,
        "shape": [64, WIDTH, WIDTH, 10],
        "samples": SAMPLES,
        "step_ms": {"loop": step[0], "stacked": step[1], "ratio": step[0] / step[1]},
        "hessian_product_ms": {
            "loop_fresh": product[0],
            "stacked": product[1],
            "ratio": product[0] / product[1],
        },
        "environment": environment(),
    }
    for name, (alone, together) in (("step", step), ("Hessian product", product)):
        print(f"{name}: the loop takes {alone / together:.2f} times the ensemble ({together:.1f} ms)")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=2) + "\n")


def best(*runs: Callable[[], None]) -> list[float]:
    """Return the best time of each run in milliseconds, the runs taken in turns."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for run, found in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            found.append(1e3 * (time.perf_counter() - start))
    return [min(found[1:]) for found in times]


if __name__ == "__main__":
    main()
