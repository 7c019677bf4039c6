"""Count the products that the largest eigenvalue of the Hessian costs, cold and along training, and time one.

Run `python benchmarks/sharpness.py`: it prints ratios and writes `results/sharpness.json`. Rivals that
are not installed (with --no-deps) are left out: PyHessian, hessian-eigenthings and curvlinops-for-pytorch.

- Cold: products until the true relative error is at most 1e-4, the loosest tolerance of a grid that reaches
  it on every start; scipy's eigsh gets the same products, at its default basis of 20 and at its best one.
- Warm: mean products a measurement every 10 steps of gradient descent, beside a plain warm start of Lanczos,
  also over the measurements below 0.9 of the edge of stability alone.
- One product against one gradient, the graph kept and not kept.
"""

import contextlib
import importlib
import io
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from measuring import best, environment, write
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import nn

from scalewright import nets

LIBRARIES = ("scipy", "pyhessian", "hessian-eigenthings", "curvlinops-for-pytorch")
ACCURACY, STARTS = 1e-4, range(3)
TOLERANCES = (1e-1, 5e-2, 3e-2, 2e-2, 1.4e-2, 1e-2, 7e-3, 5e-3, 3e-3, 2e-3, 1e-3, 3e-4, 1e-4)


def mlp(activation: nn.Module) -> nn.Module:
    """Return a network of 85 thousand parameters on the digits."""
    return nn.Sequential(nn.Linear(64, 256), activation, nn.Linear(256, 256), activation, nn.Linear(256, 10))


def wide_inputs() -> nn.Module:
    """Return a network of 85 thousand parameters, nine tenths of them in the first layer."""
    return nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10))


def convnet() -> nn.Module:
    """Return a small convolutional network on the digits."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 10),
    )


#: name -> (builder, loss, learning rate for the smooth part of training, one at the edge of stability)
SETTINGS: dict[str, tuple[Callable[[], nn.Module], str, float, float]] = {
    "mlp": (lambda: mlp(nn.Tanh()), "cross-entropy", 0.1, 0.7),
    "mlp-mse": (lambda: mlp(nn.ReLU()), "mse", 0.05, 0.3),
    "convnet": (convnet, "cross-entropy", 0.05, 0.5),
}


def made(name: str) -> tuple[nn.Module, Any, str]:
    """Return the network, its data and its loss."""
    build, loss, _, _ = SETTINGS[name]
    torch.manual_seed(0)
    targets = "one-hot" if loss == "cross-entropy" else "centred"
    data = nets.data.load("digits", samples=512, targets=targets, dtype=torch.float32, device="cpu")
    return build(), data, loss


def trained(name: str, rate: float, steps: int) -> list[dict[str, torch.Tensor]]:
    """Return the weights every 10 steps of full-batch gradient descent."""
    model, data, loss = made(name)
    criterion = nets.curvature.loss_function.loss_function(loss)
    states = []
    for step in range(steps + 1):
        if step % 10 == 0:
            states.append({key: value.detach().clone() for key, value in model.state_dict().items()})
        model.zero_grad()
        criterion(model(data.inputs), data.targets).sum().backward()
        with torch.no_grad():
            for weight in model.parameters():
                weight -= rate * weight.grad
    return states


def ours(operator: nets.Hessian, tolerance: float, start: int) -> tuple[float, int]:
    """Return the value and the products of a cold start."""
    pairs = nets.top_eigenpairs(operator, tolerance=tolerance, seed=start)
    return float(pairs.values[0, 0]), pairs.matvecs


def arpack(operator: nets.Hessian, tolerance: float, start: int, basis: int) -> tuple[float, int]:
    """Return the value and the products of scipy's eigsh on the same operator."""
    count = 0
    inner = operator.to_scipy()

    def product(vector: np.ndarray) -> np.ndarray:
        nonlocal count
        count += 1
        return inner @ vector

    counted = LinearOperator(inner.shape, matvec=product, dtype=inner.dtype)
    first = np.random.default_rng(start).standard_normal(operator.size).astype(inner.dtype)
    value = eigsh(counted, k=1, which="LA", tol=tolerance, v0=first, ncv=basis, return_eigenvectors=False)
    return float(value[0]), count


def products_at_accuracy(
    run: Callable[[float, int], tuple[float, int]], exact: float
) -> tuple[float, float] | None:
    """Return (tolerance, mean products) at the loosest tolerance whose every start is accurate enough."""
    for tolerance in TOLERANCES:
        found = [run(tolerance, start) for start in STARTS]
        if all(abs(value - exact) <= ACCURACY * abs(exact) for value, _ in found):
            return tolerance, float(np.mean([count for _, count in found]))
    return None


def cold(name: str) -> list[dict[str, Any]]:
    """Count products at initialisation and after 200 steps."""
    rows = []
    for label, steps in (("initial", 0), ("trained", 200)):
        model, data, loss = made(name)
        model.load_state_dict(trained(name, SETTINGS[name][2], steps)[-1])
        operator = nets.Hessian(model, loss, data)
        exact = float(nets.top_eigenpairs(operator, tolerance=2e-5, certify=1e-3).values[0, 0])
        found = products_at_accuracy(lambda t, s, o=operator: ours(o, t, s), exact)
        theirs = {
            basis: products_at_accuracy(lambda t, s, o=operator, b=basis: arpack(o, t, s, b), exact)
            for basis in (4, 6, 8, 12, 20, 30)
        }
        assert found is not None
        reached = {basis: count[1] for basis, count in theirs.items() if count is not None}
        rows.append(
            {
                "network": name,
                "time": label,
                "ours": {"tolerance": found[0], "products": found[1]},
                "eigsh": reached[20],
                "eigsh_best_basis": min(reached.values()),
                "ratio": found[1] / reached[20],
                "ratio_best_basis": found[1] / min(reached.values()),
                "rivals": rivals(model, data, loss, exact),
            }
        )
        print(
            f"cold, {name} {label}: {found[1]:.1f} products, eigsh {reached[20]:.1f} (best basis "
            f"{min(reached.values()):.1f}): ratio {rows[-1]['ratio']:.2f} "
            f"({rows[-1]['ratio_best_basis']:.2f})"
        )
    return rows


def rivals(model: nn.Module, data: Any, loss: str, exact: float) -> dict[str, Any]:
    """Return products and true error of the other libraries at their defaults, where they are installed."""
    labels = data.targets.argmax(1) if loss == "cross-entropy" else data.targets
    criterion = nn.CrossEntropyLoss() if loss == "cross-entropy" else nn.MSELoss()
    factor = 1.0 if loss == "cross-entropy" else 2 / data.targets.shape[1]
    found: dict[str, Any] = {}
    for name, run in (("pyhessian", pyhessian), ("hessian-eigenthings", eigenthings)):
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value, count = run(model, criterion, data.inputs, labels)
        except ImportError:
            continue
        found[name] = {"products": count, "true_error": abs(value / factor - exact) / abs(exact)}
        print(f"    {name}: {count} products, true error {found[name]['true_error']:.1e}")
    return found


def pyhessian(model: nn.Module, criterion: nn.Module, inputs: Any, labels: Any) -> tuple[float, int]:
    """Return value and products of PyHessian's power iteration at its defaults."""
    importlib.import_module("pyhessian.hessian")
    module = sys.modules["pyhessian.hessian"]  # the package has a class of this name
    counted = module.hessian(model, criterion, data=(inputs, labels), cuda=False)
    product, count = module.hessian_vector_product, 0

    def counting(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        return product(*arguments)

    module.hessian_vector_product = counting
    try:
        value = counted.eigenvalues(top_n=1)[0][0]
    finally:
        module.hessian_vector_product = product
    return float(value), count


def eigenthings(model: nn.Module, criterion: nn.Module, inputs: Any, labels: Any) -> tuple[float, int]:
    """Return value and products of hessian-eigenthings' Lanczos at its defaults."""
    import hessian_eigenthings as library

    def loss_of(network: nn.Module, batch: Any) -> Any:
        return criterion(network(batch[0]), batch[1])

    operator = library.HessianOperator(model, [(inputs, labels)], loss_of)
    count, product = 0, operator.matvec

    def counting(vector: Any) -> Any:
        nonlocal count
        count += 1
        return product(vector)

    operator.matvec = counting
    result = library.lanczos(operator, k=1)
    return float(result.eigenvalues[0]), count


def warm(name: str, rate: float, tolerance: float) -> dict[str, Any]:
    """Count products along 300 steps, ours and of Lanczos started from the last eigenvector."""
    model, data, loss = made(name)
    tracker = nets.SharpnessTracker(model, loss, data, every=1, tolerance=tolerance, recheck=10)
    plain, errors, start = [], [], None
    for state in trained(name, rate, 300):
        model.load_state_dict(state)
        operator = nets.Hessian(model, loss, data)
        (row,) = tracker.step()
        pairs = nets.top_eigenpairs(operator, tolerance=tolerance, start=start)
        start = pairs.vectors[:, 0]
        plain.append(pairs.matvecs)
        exact = float(nets.top_eigenpairs(operator, tolerance=1e-4).values[0, 0])
        errors.append(abs(float(row.values[0]) - exact) / exact)
    rows = tracker.measurements
    sharpness = [float(row.values[0]) for row in rows]
    away = np.array(sharpness[1:]) * rate / 2 < 0.9
    return {
        "network": name,
        "rate": rate,
        "tolerance": tolerance,
        "mean_products": float(np.mean([row.products for row in rows[1:]])),
        "plain_warm_start": float(np.mean(plain[1:])),
        "away_from_the_edge": {
            "measurements": int(away.sum()),
            "mean_products": mean([row.products for row in rows[1:]], away),
            "plain_warm_start": mean(plain[1:], away),
        },
        "cold_rechecks": {
            "count": sum(row.kind == "checked" for row in rows),
            "mean_products": float(np.mean([r.cold_products for r in rows if r.kind == "checked"])),
            "missed": sum(bool(row.missed.any()) for row in rows),
        },
        "largest_true_error": max(errors),
        "last_share_of_edge": sharpness[-1] * rate / 2,
        "largest_share_of_edge": max(sharpness) * rate / 2,
    }


def mean(counts: list[int], where: np.ndarray) -> float | None:
    """Return the mean over some measurements, None where there are none."""
    return float(np.array(counts)[where].mean()) if where.any() else None


def one_product(name: str) -> dict[str, Any]:
    """Time a product of the Hessian against a gradient.

    A layer in the middle of a network takes 3 matrix products for the gradient and 6 for a product of the
    Hessian, the first layer 2 and 2: the arithmetic is 1 to 2 gradients, whatever the implementation.
    """
    if name == "784-100-50-10":
        generator, loss = torch.Generator().manual_seed(0), "mse"
        model = wide_inputs()
        data = nets.data.TensorData(
            torch.randn(512, 784, generator=generator), torch.randn(512, 10, generator=generator)
        )
    else:
        model, data, loss = made(name)
    kept = nets.Hessian(model, loss, data)
    fresh = nets.Hessian(model, loss, data, keep_graph=False)
    newton = nets.GaussNewton(model, loss, data)
    vector = torch.randn(1, kept.size)
    criterion = nets.curvature.loss_function.loss_function(loss)

    def gradient() -> None:
        torch.autograd.grad(criterion(model(data.inputs), data.targets).sum(), tuple(model.parameters()))

    runs: dict[str, Callable[[], Any]] = {
        "gradient": gradient,
        "graph kept": lambda: kept.product(vector),
        "graph not kept": lambda: fresh.product(vector),
        "Gauss-Newton": lambda: newton.product(vector),
    }
    with contextlib.suppress(ImportError):
        runs["curvlinops"] = curvlinops_product(model, data, loss, vector[0])
    times = best(runs, rounds=25)
    ratios = {key: value / times["gradient"] for key, value in times.items()}
    print(f"one product, {name}: " + ", ".join(f"{key} {value:.2f}" for key, value in ratios.items()))
    return {"network": name, "parameters": kept.size, "ms": times, "over_gradient": ratios}


def curvlinops_product(model: nn.Module, data: Any, loss: str, vector: torch.Tensor) -> Callable[[], Any]:
    """Return a product by curvlinops, which rebuilds its graph every time."""
    import curvlinops

    labels = data.targets.argmax(1) if loss == "cross-entropy" else data.targets
    criterion = nn.CrossEntropyLoss() if loss == "cross-entropy" else nn.MSELoss()
    weights = list(model.parameters())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        operator = curvlinops.HessianLinearOperator(
            model, criterion, weights, [(data.inputs, labels)], check_deterministic=False
        )
    return lambda: operator @ vector


def main() -> None:
    """Measure, print and write."""
    report: dict[str, Any] = {"accuracy": ACCURACY, "cold": [], "warm": [], "edge": [], "product": []}
    report["product"].append(one_product("784-100-50-10"))
    for name, (_, _, smooth, edge) in SETTINGS.items():
        report["product"].append(one_product(name))
        report["cold"] += cold(name)
        for tolerance in (1e-2, 1e-3):
            for key, rate in (("warm", smooth), ("edge", edge)):
                row = warm(name, rate, tolerance)
                report[key].append(row)
                print(
                    f"{key}, {name} at {tolerance:g}: {row['mean_products']:.2f} products a measurement "
                    f"(plain {row['plain_warm_start']:.2f}), largest true error "
                    f"{row['largest_true_error']:.1e}, at {row['last_share_of_edge']:.2f} of the edge"
                )
    for key in ("warm", "edge"):
        for tolerance in (1e-2, 1e-3):
            rows = [row for row in report[key] if row["tolerance"] == tolerance]
            parts = ("mean_products", "plain_warm_start")
            whole = {part: float(np.mean([row[part] for row in rows])) for part in parts}
            far = [row["away_from_the_edge"] for row in rows if row["away_from_the_edge"]["measurements"]]
            away = {part: float(np.mean([row[part] for row in far])) for part in parts}
            report[f"{key}_mean_{tolerance:g}"] = {**whole, "away_from_the_edge": away}
            print(
                f"{key}, all at {tolerance:g}: {whole['mean_products']:.2f} products a measurement (plain "
                f"{whole['plain_warm_start']:.2f}), away from the edge {away['mean_products']:.2f} "
                f"({away['plain_warm_start']:.2f})"
            )
    report["cold_mean_ratio"] = float(np.mean([row["ratio"] for row in report["cold"]]))
    print(f"cold, mean ratio to eigsh: {report['cold_mean_ratio']:.2f}")
    write("sharpness", report | {"environment": environment(*LIBRARIES)})


if __name__ == "__main__":
    main()
