"""Time Hessian products and whole measurements of 64 MLPs at once, against loops over single networks.

Run `python benchmarks/sharpness_ensemble.py`; `--members 1024` is meant for a GPU. It prints ratios and
writes `results/sharpness_ensemble.json` (`sharpness_ensemble_cuda.json` on CUDA).

- loop, fresh graphs: for every network a double backward from scratch, as libraries of curvature do it;
- loop, kept graphs: the same with the first graph kept;
- stacked: all networks in one double backward, the graph kept.
"""

import argparse
from functools import partial
from typing import Any

import torch
from measuring import best, environment, write

from scalewright import nets, theory

WIDTH, SAMPLES = 64, 256


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=64)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    chosen = parser.parse_args()
    sizes = {"width": WIDTH, "inputs": 64, "outputs": 10, "dtype": torch.float32, "device": chosen.device}
    rules = theory.named(theory.mlp(3), "mup", "sgd")
    data = nets.data.load("digits", samples=SAMPLES, dtype=torch.float32, device=chosen.device)
    networks = nets.Ensemble.of(
        partial(nets.models.mlp, 3), rules, seeds=range(chosen.members), lrs=(0.1,), **sizes
    )
    report = {
        "members": chosen.members,
        "shape": [64, WIDTH, WIDTH, 10],
        "samples": SAMPLES,
        "products": products(networks, data),
        "measurement": measurement(networks, data),
        "environment": environment(),
    }
    write("sharpness_ensemble" + ("_cuda" if chosen.device == "cuda" else ""), report)


def products(networks: nets.Ensemble, data: Any) -> dict[str, Any]:
    """Time one product of every member."""
    members = networks.members
    stacked = nets.Hessian(networks, "mse", data)
    models = [plain(networks, member) for member in range(members)]
    kept = [nets.Hessian(model, "mse", data, raw=True) for model in models]
    vectors = torch.randn(members, stacked.size, device=stacked.device)

    def fresh() -> None:
        for model, vector in zip(models, vectors, strict=True):
            weights = tuple(model.parameters())
            loss = (model(data.inputs) - data.targets).square().sum() / (2 * SAMPLES)
            gradient = torch.autograd.grad(loss, weights, create_graph=True)
            parts = vector.split([weight.numel() for weight in weights])
            shaped = [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]
            torch.autograd.grad(gradient, weights, grad_outputs=shaped)

    def one_by_one() -> None:
        for operator, vector in zip(kept, vectors, strict=True):
            operator.product(vector[None])

    def gradient() -> None:
        leaves = networks.leaves()
        outputs = networks.forward(leaves, data.inputs)
        loss = (outputs - data.targets).square().sum() / (2 * SAMPLES)
        torch.autograd.grad(loss, tuple(leaves.values()))

    runs = {
        "loop_fresh": fresh,
        "loop_kept": one_by_one,
        "stacked": lambda: stacked.product(vectors),
        "gradient": gradient,
    }
    times = best(runs, rounds=15)
    ratios = {name: times[name] / times["stacked"] for name in ("loop_fresh", "loop_kept")}
    over = times["stacked"] / times["gradient"]
    print(
        f"product of {members}: the loop with fresh graphs takes {ratios['loop_fresh']:.2f}, with kept "
        f"graphs {ratios['loop_kept']:.2f} times the ensemble ({times['stacked']:.1f} ms)"
    )
    return {"ms": times, "ratios": ratios, "over_gradient": over}


def measurement(networks: nets.Ensemble, data: Any) -> dict[str, Any]:
    """Time the largest eigenvalue of every member to a residual of 1e-3, graphs included."""
    members = range(0, networks.members, max(1, networks.members // 64))
    share = len(members) / networks.members
    models = [plain(networks, member) for member in members]

    def loop() -> None:
        for model in models:
            nets.sharpness(model, "mse", data)

    times = best({"loop": loop, "ensemble": lambda: nets.sharpness(networks, "mse", data)}, rounds=5)
    ratio = times["loop"] / share / times["ensemble"]
    print(
        f"measurement: a loop of nets.sharpness takes {ratio:.2f} times the ensemble "
        f"({times['ensemble']:.0f} ms)"
    )
    return {"ms": times, "share_of_members_in_loop": share, "ratio": ratio}


def plain(networks: nets.Ensemble, member: int) -> torch.nn.Module:
    """Return one member as a plain module, its multipliers in its weights."""
    model = nets.models.mlp(3, WIDTH, 64, 10).to(networks.device)
    weights = networks.weights(effective=True)[member]
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    return model


if __name__ == "__main__":
    main()
