"""Time Weingarten tables against haarpy and against a linear solve: whole tables, symbolic n, empty caches.

All return every class of one degree. Ours are in factors, haarpy's simplified; the plain solve inverts the
Gram matrix of O(n) on classes, counted pairing by pairing, over the field of rational functions. Times are
processor seconds, the best of several taken in turns; what takes more than ten seconds runs once. Results
must be equal before they count.

Run: python benchmarks/weingarten.py
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import haarpy
from sympy import QQ, Expr, Symbol, cancel, zeros
from sympy.core.cache import clear_cache
from sympy.polys.matrices import DomainMatrix

from scalewright.theory.haar import N, gram, moment, partitions, table

RESULTS = Path(__file__).parent / "results"
IMAGES = Path(__file__).parents[1] / "docs" / "images"
D = Symbol("d")
ROUNDS, SLOW = 3, 10.0
OURS = (4, 6, 8, 10, 12, 14, 16, 20, 24)
HAARPY = {"orthogonal": (4, 6, 8, 10, 12), "unitary": (4, 6, 8, 10, 12, 14)}
SOLVED = (4, 6, 8, 10, 12)
ALONE = {"orthogonal": haarpy.weingarten_orthogonal, "unitary": haarpy.weingarten_unitary}
Values = Mapping[tuple[int, ...], Expr]


def empty_caches() -> None:
    """Forget whatever was computed before, in both libraries and in sympy."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("haarpy", "scalewright.theory.haar")):
            for found in list(vars(module).values()):
                if hasattr(found, "cache_clear"):
                    found.cache_clear()
    clear_cache()


def by_haarpy(degree: int, group: str) -> Values:
    """Return haarpy's table, class by class, with n for its symbol."""
    return {mu: ALONE[group](mu, D).subs(D, N) for mu in partitions(degree // 2)}


def by_solving(degree: int, group: str = "orthogonal") -> Values:
    """Return the table of O(n) by one linear solve of the class-reduced Gram matrix."""
    matrix = gram(degree // 2)
    unit = zeros(matrix.rows, 1)
    unit[-1] = 1
    field = QQ.frac_field(N)
    left, right = (DomainMatrix.from_Matrix(m).convert_to(field) for m in (matrix, unit))
    return dict(zip(partitions(degree // 2), left.lu_solve(right).to_Matrix(), strict=True))


def best(runs: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the best processor time of every run, caches emptied before each, slow ones run once."""
    found: dict[str, float] = {}
    for turn in range(ROUNDS):
        for name, run in runs.items():
            if turn and found[name] > SLOW:
                continue
            empty_caches()
            start = time.process_time()
            run()
            found[name] = min(found.get(name, float("inf")), time.process_time() - start)
    return found


def check_equal() -> dict[str, int]:
    """Compare every value with haarpy's and with the plain solve's; return how many were equal."""
    counts = {"haarpy": 0, "plain solve": 0}
    for group, degrees in HAARPY.items():
        for degree in degrees:
            ours, theirs = table(degree, group=group), by_haarpy(degree, group)
            for mu in ours:
                if cancel(ours[mu] - theirs[mu]) != 0:
                    raise ValueError(f"{group}, degree {degree}, class {mu}: haarpy has another value")
                counts["haarpy"] += 1
    for degree in SOLVED:
        for mu, value in by_solving(degree).items():
            if cancel(table(degree)[mu] - value) != 0:
                raise ValueError(f"degree {degree}, class {mu}: the plain solve has another value")
            counts["plain solve"] += 1
    return counts


def measured() -> dict[str, float]:
    """Return the times of all tables and of one moment in seconds."""
    runs: dict[str, Callable[[], Any]] = {}
    for group, degrees in HAARPY.items():
        for degree in OURS:
            runs[f"{group}, degree {degree}"] = lambda d=degree, g=group: table(d, group=g)
        for degree in degrees:
            runs[f"{group}, degree {degree}, haarpy"] = lambda d=degree, g=group: by_haarpy(d, g)
    for degree in SOLVED:
        runs[f"orthogonal, degree {degree}, plain solve"] = lambda d=degree: by_solving(d)
    entry = ((1,) * 8, (1,) * 8)
    runs["E W_11^8"] = lambda: moment([(1, 1)] * 8)
    for algorithm in ("collins", "gorin"):
        runs[f"E W_11^8, haarpy {algorithm}"] = lambda a=algorithm: haarpy.haar_integral_orthogonal(
            entry, D, algorithm=a
        )
    return best(runs)


def conclusions(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return the ratios that the times are measured for."""
    ten = seconds["orthogonal, degree 10"]
    ratios = {
        f"haarpy over ours, {group}, degree {degree}": seconds[f"{group}, degree {degree}, haarpy"]
        / seconds[f"{group}, degree {degree}"]
        for group, degrees in HAARPY.items()
        for degree in degrees
    }
    return ratios | {
        "plain solve over ours, orthogonal, degree 10": seconds["orthogonal, degree 10, plain solve"] / ten,
        "plain solve over ours, orthogonal, degree 12": seconds["orthogonal, degree 12, plain solve"]
        / seconds["orthogonal, degree 12"],
        "ours, orthogonal: degree 12 over degree 10": seconds["orthogonal, degree 12"] / ten,
        "haarpy (collins) over ours, E W_11^8": seconds["E W_11^8, haarpy collins"] / seconds["E W_11^8"],
        "haarpy (gorin) over ours, E W_11^8": seconds["E W_11^8, haarpy gorin"] / seconds["E W_11^8"],
    }


def draw(seconds: Mapping[str, float], path: Path) -> None:
    """Draw the time of a whole table against its degree, for both groups."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 3.6), layout="constrained")
    series = {"": ("this package", "#0072B2"), ", haarpy": ("haarpy", "#D55E00")}
    series |= {", plain solve": ("plain solve of the Gram system", "#009E73")}
    for ax, group in zip(figure.subplots(1, 2, sharey=True), HAARPY, strict=True):
        for ending, (label, colour) in series.items():
            points = [(d, seconds.get(f"{group}, degree {d}{ending}")) for d in OURS]
            points = [(d, t) for d, t in points if t is not None]
            if points:
                ax.plot(*zip(*points, strict=True), "o-", color=colour, ms=4, lw=1.2, label=label)
        ax.set(yscale="log", xlabel="degree", title=f"{group} group")
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25, linewidth=0.6)
        ax.legend(frameon=False, fontsize=8)
    figure.axes[0].set_ylabel("processor seconds of a whole table")
    figure.savefig(path, dpi=160)


def main() -> None:
    """Print times and ratios, and write results/weingarten.json and docs/images/weingarten.png."""
    from scalewright.papers.provenance import environment

    equal = check_equal()
    seconds = measured()
    for name, value in seconds.items():
        print(f"{name:46} {1e3 * value:10.1f} ms")
    ratios = conclusions(seconds)
    for name, value in ratios.items():
        print(f"{name:54} {value:8.1f}")
    print(f"equal values: {equal}")
    record = {"seconds": seconds, "ratios": ratios, "equal values": equal, "environment": environment()}
    record["environment"]["haarpy"] = haarpy.__version__
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "weingarten.json").write_text(json.dumps(record, indent=1) + "\n")
    draw(seconds, IMAGES / "weingarten.png")


if __name__ == "__main__":
    main()
