"""Time the exponent solver: against a float linear program, with more layers, and with blocks written out.

The float rival answers one question of the same network without a proof: the largest sum of rates, by one
call of HiGHS. Times are processor seconds, the best of several taken in turns.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linprog

from scalewright import theory as th

REPEATS = 9
LAYERS = (8, 15, 30, 60, 120)


def best(tasks: dict[str, Callable[[], object]], repeats: int = REPEATS) -> dict[str, float]:
    """Return the best time of every task in seconds, the tasks taken in turns."""
    found = dict.fromkeys(tasks, float("inf"))
    for _ in range(repeats):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            found[name] = min(found[name], time.process_time() - start)
    return found


def float_program(layers: int) -> Any:
    """Maximise the sum of an MLP's rates (SGD, deviations of muP) in floating point, with HiGHS.

    Unknowns: rates c_l and gradients g_l. Constraints: E_l = k_l - c_l + g_l <= 0, and
    g_l >= g_{l+1} + max(0, 1 - c_{l+1} + g_{l+1}) relaxed to both terms; one sparse row a term.
    """
    rows: list[np.ndarray] = []
    bounds: list[float] = []

    def add(entries: dict[int, float], bound: float) -> None:
        row = np.zeros(2 * layers)
        for place, value in entries.items():
            row[place] = value
        rows.append(row)
        bounds.append(bound)

    for layer in range(layers):
        fan_in = 0.0 if layer == 0 else 1.0
        add({layer: -1.0, layers + layer: 1.0}, -fan_in)
        if layer < layers - 1:
            add({layers + layer: -1.0, layers + layer + 1: 1.0}, 1.0 if layer == layers - 2 else 0.0)
    add({2 * layers - 1: -1.0}, 0.0)
    cost = np.concatenate([np.ones(layers), np.zeros(layers)])
    return linprog(cost, A_ub=np.array(rows), b_ub=bounds, bounds=(None, None), method="highs-ds")


def unrolled(blocks: int) -> th.Architecture:
    """Return a transformer's blocks written out one by one, without the repetition that the graph can
    state."""
    g = th.Graph()
    x = g.embedding("embedding", g.data("vocabulary", "tokens"), "width")
    for index in range(blocks):
        name = f"blocks.{index}"
        inner = g.norm(f"{name}.norm", x)
        query, key, value = (g.linear(f"{name}.{part}", inner, "width") for part in ("query", "key", "value"))
        mixed = g.linear(f"{name}.output", g.attention(name, query, key, value, "head"), "width")
        x = g.add(f"{name}.attended", x, mixed)
        up = g.activation(g.linear(f"{name}.up", g.norm(f"{name}.second", x), "width"), "gelu")
        x = g.add(f"{name}.sum", x, g.linear(f"{name}.down", up, "width"))
    return g.loss(g.linear("readout", g.norm("norm", x), "vocabulary"))


def measured() -> dict[str, float]:
    """Return the times of all tasks in seconds."""
    networks = {layers: th.mlp(layers) for layers in LAYERS}
    transformer, twelve = th.gpt(), unrolled(12)
    tasks: dict[str, Callable[[], object]] = {
        f"mlp of {layers} layers, {optimizer}": partial(th.derive, network, optimizer)
        for layers, network in networks.items()
        for optimizer in ("sgd", "adamw")
    }
    tasks["float linear program, 30 layers"] = lambda: float_program(30)
    tasks["transformer, width and depth, adamw"] = lambda: th.derive(transformer, "adamw", ("width", "depth"))
    tasks["transformer, width, adamw"] = lambda: th.derive(transformer, "adamw")
    tasks["12 blocks written out, width, adamw"] = lambda: th.derive(twelve, "adamw")
    tasks["sp of 30 layers, sgd"] = lambda: th.named(networks[30], "sp", "sgd")
    return best(tasks)


def conclusions(seconds: dict[str, float]) -> dict[str, float]:
    """Return the ratios that the times are measured for."""
    thirty = seconds["mlp of 30 layers, sgd"]
    growth = np.polyfit(np.log(LAYERS), [np.log(seconds[f"mlp of {n} layers, sgd"]) for n in LAYERS], 1)[0]
    return {
        "proved 30-layer table over one float linear program": thirty
        / seconds["float linear program, 30 layers"],
        "exponent of the cost in the number of layers": float(growth),
        "blocks written out over blocks stated once, 12 of them": seconds[
            "12 blocks written out, width, adamw"
        ]
        / seconds["transformer, width, adamw"],
        "two axes over one": seconds["transformer, width and depth, adamw"]
        / seconds["transformer, width, adamw"],
    }


def main() -> None:
    """Print a line a task and a ratio a conclusion, and write results/exponent_solver.json."""
    from scalewright.sim.provenance import environment

    seconds = measured()
    for name, value in seconds.items():
        print(f"{name:42} {1e3 * value:8.1f} ms")
    ratios = conclusions(seconds)
    for name, value in ratios.items():
        print(f"{name:58} {value:6.2f}")
    path = Path(__file__).parent / "results" / "exponent_solver.json"
    path.parent.mkdir(exist_ok=True)
    record = {"seconds": seconds, "ratios": ratios, "environment": environment()}
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
