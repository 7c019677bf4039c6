"""Time the march of deep linear networks against the published alternating scheme, and both against networks.

The rival is written anew from its equations (Bordelon and Pehlevan 2022, eqs. 11 and 12 and appendix): from
static kernels, alternate between the outputs, stepped by the tangent kernel, and all layers' kernels on the
whole horizon, with inverses of steps x samples matrices; 10 sweeps, no damping. Both return arrays; `solve`
adds a dataset. A case in which it ends in nan is listed, not counted.

Times are processor times, the best of several. Set OMP_NUM_THREADS=1.

    python benchmarks/dmft_linear.py            # all cases
    python benchmarks/dmft_linear.py --quick    # those of P T <= 200
"""

import sys
import time
from typing import Any

import measuring
import numpy as np
from dmft_networks import distance, train

from scalewright.sim import dmft
from scalewright.sim.dmft import exact, linear
from scalewright.sim.dmft.problem import pose

#: (hidden layers, P, T, gamma, lr, least ratio that was asked)
CASES = (
    (2, 5, 40, 1.0, 0.2, 50),
    (3, 10, 20, 1.0, 0.1, 50),
    (5, 10, 20, 1.5, 0.05, 50),
    (3, 10, 40, 1.0, 0.1, 25),
    (3, 10, 40, 2.0, 0.1, 25),
    (5, 20, 20, 1.5, 0.025, 25),
    (5, 20, 100, 1.5, 0.025, 10),
)
SWEEPS = 10
WIDTH, SEEDS = 2000, 3
#: Beyond so many steps x samples one sweep of the scheme is timed, and one network is trained.
LARGE = 1000


def alternating(
    kernel: np.ndarray, targets: np.ndarray, layers: int, gamma: float, lr: float, steps: int, sweeps: int
) -> Any:
    """Return outputs, feature and gradient kernels of the published scheme after its sweeps."""
    samples, times = len(targets), steps + 1
    n, c = samples * times, lr * gamma / samples
    before = np.tril(np.ones((times, times)), -1)
    h = [np.kron(np.ones((times, times)), kernel) for _ in range(layers + 1)]
    g = [np.ones((times, times)) for _ in range(layers + 2)]
    a = [np.zeros((n, times)) for _ in range(layers + 1)]
    b = [np.zeros((times, n)) for _ in range(layers + 1)]
    f = np.zeros((times, samples))
    for _ in range(sweeps):
        for t in range(steps):
            now = slice(t * samples, (t + 1) * samples)
            tangent = sum(h[layer][now, now] * g[layer + 1][t, t] for layer in range(layers + 1))
            f[t + 1] = f[t] + lr / samples * tangent @ (targets - f[t])
        delta = targets - f
        for layer in range(1, layers + 1):
            seen = np.einsum(
                "tpsn,sn,ts->tps", h[layer - 1].reshape(times, samples, times, samples), delta, before
            )
            big_c = a[layer - 1] + c * seen.reshape(n, times)
            big_d = b[layer] + c * ((g[layer + 1] * before)[:, :, None] * delta[None]).reshape(times, n)
            left = np.linalg.inv(np.eye(n) - big_c @ big_d)
            right = np.linalg.inv(np.eye(times) - big_d @ big_c)
            h_new = left @ (h[layer - 1] + big_c @ g[layer + 1] @ big_c.T) @ left.T
            g[layer] = right @ (g[layer + 1] + big_d @ h[layer - 1] @ big_d.T) @ right.T
            h[layer] = h_new
            if layer < layers:
                a[layer] = left @ big_c
            if layer > 1:
                b[layer - 1] = right @ big_d
    shape = (times, samples, times, samples)
    return f, [x.reshape(shape) for x in h[1:]], g[1 : layers + 1]


def case(layers: int, samples: int, steps: int, gamma: float, lr: float, asked: int) -> dict[str, Any]:
    """Time and check one case."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((samples, 2 * samples))
    kernel = inputs @ inputs.T / inputs.shape[1]
    targets = np.sign(rng.standard_normal(samples))
    problem = {"hidden_layers": layers, "gamma": gamma, "lr": lr, "steps": steps}

    def ours() -> Any:
        return dmft.solve(kernel=kernel, targets=targets, **problem).trajectory

    posed = pose(kernel, targets, hidden_layers=layers, activation="linear", loss="mse", lr=lr, steps=steps)

    def arrays() -> Any:
        return exact.deep_linear(posed, np.array([gamma]), two_time=True)

    first = _timed(arrays)[0]
    mine = min(_timed(arrays)[0] for _ in range(10))
    whole = min(_timed(ours)[0] for _ in range(10))
    large = samples * steps > LARGE  # one sweep is timed there, and counted ten times
    sweeps = 1 if large else SWEEPS
    with np.errstate(all="ignore"):
        try:
            rounds = [
                _timed(lambda: alternating(kernel, targets, layers, gamma, lr, steps, sweeps))
                for _ in range(1 if large else 3)
            ]
            theirs = min(seconds for seconds, _ in rounds) * SWEEPS / sweeps
            _, their_h, their_g = rounds[-1][1]
            failed = not all(np.isfinite(x).all() for x in (*their_h, *their_g))
        except np.linalg.LinAlgError:
            theirs, failed = float("nan"), True
    found = ours()
    nets = [
        train(
            inputs,
            targets,
            layers=layers,
            activation="linear",
            width=WIDTH // 2 if large else WIDTH,
            seed=s,
            gamma=gamma,
            lr=lr,
            steps=steps,
        )
        for s in range(1 if large else SEEDS)
    ]
    phi = np.mean([x.features for x in nets], axis=0)
    back = np.mean([x.gradients[:, :, 0, :, 0] for x in nets], axis=0)
    row = {
        "hidden layers": layers, "P": samples, "T": steps, "gamma": gamma,
        "march (s)": mine, "solve (s)": whole, "compilation (s)": first - mine, "scheme (s)": theirs,
        "ratio": theirs / mine, "asked": asked, "scheme": "nan" if failed else "finite",
        "march, worst kernel error": max(
            *(distance(found.feature_kernel.values[i + 1], phi[i]) for i in range(layers)),
            *(distance(found.gradient_kernel.values[i, :, 0, :, 0], back[i]) for i in range(layers)),
        ),
        "scheme, worst kernel error": float("nan") if failed or large else max(
            *(distance(their_h[i], phi[i]) for i in range(layers)),
            *(distance(their_g[i], back[i]) for i in range(layers)),
        ),
    }  # fmt: skip
    print(
        f"L {layers} P {samples:2} T {steps:3} gamma {gamma}: march {1e3 * mine:6.1f} ms "
        f"({1e3 * whole:.1f} as a dataset; compilation {first - mine:.1f} s), scheme {theirs:7.2f} s "
        f"({row['scheme']}): {row['ratio']:6.0f} x, asked {asked} x; "
        f"worst kernel error {row['march, worst kernel error']:.3f}, {row['scheme, worst kernel error']:.3f}",
        flush=True,
    )
    return row


def _timed(run: Any) -> tuple[float, Any]:
    start = time.process_time()  # of all threads: steadier than the clock where the machine is shared
    found = run()
    return time.process_time() - start, found


def scaling() -> dict[str, Any]:
    """Time the march alone against T and against P, and a batch of gammas against one after the other."""
    rows: dict[str, Any] = {"T": {}, "P": {}}
    for steps in (25, 50, 100, 200):
        rows["T"][steps] = _march(20, steps, [1.0])
    for samples in (10, 20, 40, 80, 160):
        rows["P"][samples] = _march(samples, 100, [1.0])
    gammas = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
    rows["8 gammas at once"] = _march(20, 100, gammas)
    rows["8 gammas one by one"] = 8 * _march(20, 100, [1.0])
    print(
        {
            key: value if isinstance(value, float) else {k: round(v, 4) for k, v in value.items()}
            for key, value in rows.items()
        }
    )
    for axis in ("T", "P"):
        x, y = np.array(list(rows[axis]), dtype=float), np.array(list(rows[axis].values()))
        rows[f"power of {axis}"] = float(np.polyfit(np.log(x[-3:]), np.log(y[-3:]), 1)[0])
        print(f"march ~ {axis}^{rows[f'power of {axis}']:.2f} over the last three")
    return rows


def _march(samples: int, steps: int, gammas: list[float]) -> float:
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((samples, 40))
    problem = pose(
        inputs @ inputs.T / 40, np.sign(rng.standard_normal(samples)), hidden_layers=5, activation="linear",
        loss="mse", lr=0.02, steps=steps,
    )  # fmt: skip
    linear.march(problem, np.array(gammas))
    return min(_timed(lambda: linear.march(problem, np.array(gammas)))[0] for _ in range(3))


def main() -> None:
    """Print a line a case and write results/dmft_linear.json."""
    cases = [c for c in CASES if c[1] * c[2] <= 200] if "--quick" in sys.argv else CASES
    rows = [case(*c) for c in cases]
    report = {"rows": rows, "scaling": scaling(), "environment": measuring.environment("jax", "numpy")}
    if "--quick" not in sys.argv:
        measuring.write("dmft_linear", report)


if __name__ == "__main__":
    main()
