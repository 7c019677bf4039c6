"""Measure the exponents that `theory.profile` predicts, on small networks that know nothing of exponents.

Every network is written out in torch, takes initial standard deviations, rates and epsilons as plain numbers
from `Parametrization.at`, and is trained for a few steps at growing widths or depths. Of every tensor y = W x

    size         rms of y_0                   effective    rms of (W_t - W_0) x_t
    gradient     rms of d loss / d y_0        propagating  rms of W_0 (x_t - x_0)
    change       rms of y_t - y_0

are measured, rms over samples, entries and copies of a block. The slope of log rms against log size is fitted
for every seed by itself; its mean is the measured exponent, its spread over seeds the standard error.
Networks, their training, the cases and the known exceptions are in the folder `measured`.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from measured.cases import GROUPS
from measured.measuring import QUANTITIES, Measured, compare, line

RING = {"ms": 9, "mfc": "none", "mec": "black", "mew": 0.7}


def plot_exponents(rows: Sequence[Measured], ax: Any = None) -> Any:
    """Draw measured against predicted exponents: by quantity in colour, marker and place."""
    import matplotlib.pyplot as plt

    ax = ax or plt.subplots(figsize=(7, 6))[1]
    shown = [row for row in rows if not row.exactly_zero and row.predicted not in ("-oo", "oo")]
    ends = np.array([min(r.slope for r in shown) - 0.3, max(r.slope for r in shown) + 0.3])
    ax.fill_between(ends, ends - 0.1, ends + 0.1, color="0.88", label="prediction ± 0.1", lw=0)
    ax.plot(ends, ends, color="0.4", lw=1)
    styles = zip(QUANTITIES, "osD^v", ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"), strict=True)
    for place, (quantity, marker, colour) in enumerate(styles):
        some = [row for row in shown if row.quantity == quantity]
        aside = 0.03 * (place - 2)
        x, y = [float(Fraction(r.predicted)) + aside for r in some], [r.slope + aside for r in some]
        bars = [row.error for row in some]
        ax.errorbar(x, y, bars, fmt=marker, ms=4, lw=0.8, alpha=0.7, color=colour, label=quantity)
        known = [(a, b) for a, b, row in zip(x, y, some, strict=True) if row.exception]
        ax.plot(*zip(*known, strict=True), "o", **RING) if known else None
    ax.plot([], [], "o", **RING, label="known exception")
    ax.set(xlabel="predicted exponent", ylabel="measured exponent", xlim=ends, ylim=ends)
    ax.legend(
        frameon=False, loc="upper left", title="quantities are set apart along the diagonal", alignment="left"
    )
    return ax


def draw(rows: Sequence[Measured], path: Path) -> None:
    """Write the figure."""
    import matplotlib

    matplotlib.use("Agg")
    figure = plot_exponents(rows).figure
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print a line an exponent; write results/measured_exponents.json and the figure."""
    from scalewright.sim.provenance import environment

    rows, seconds = [], {}
    for case in (case for group in GROUPS.values() for case in group()):
        begin = time.perf_counter()
        found = compare(case)
        seconds[case.name] = round(time.perf_counter() - begin, 1)
        rows += found
        print("\n".join(map(line, found)), flush=True)
    missed = [row for row in rows if row.misses() > row.tolerance]
    print(f"{len(seconds)} cases, {len(rows)} exponents, {len(missed)} miss by more than the tolerance")
    path = Path(__file__).parent / "results" / "measured_exponents.json"
    written = [asdict(row) | {"exception": row.exception} for row in rows]
    content = {"rows": written, "seconds": seconds, "environment": environment()}
    path.write_text(json.dumps(content, indent=1).replace("NaN", "null") + "\n")
    draw(rows, Path(__file__).parents[1] / "docs" / "images" / "measured-exponents.png")


if __name__ == "__main__":
    main()
