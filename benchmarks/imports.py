"""Time the imports that a user waits for, each in a fresh process, as ratios to importing torch."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

TASKS = {
    "import scalewright.theory": [sys.executable, "-c", "import scalewright.theory"],
    "scalewright --help": [sys.executable, "-m", "scalewright", "--help"],
    "import scalewright.sim.linear": [sys.executable, "-c", "import scalewright.sim.linear"],
    "import scalewright.nets": [sys.executable, "-c", "import scalewright.nets"],
    "import torch": [sys.executable, "-c", "import torch"],
}
REPEATS = 5


def seconds(command: list[str]) -> float:
    """Median wall time of a command over REPEATS runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print a line a task and write results/imports.json."""
    from scalewright.sim.provenance import environment

    found = {name: seconds(command) for name, command in TASKS.items()}
    rows = {name: {"seconds": s, "over torch": s / found["import torch"]} for name, s in found.items()}
    for name, row in rows.items():
        print(f"{name:32} {row['seconds']:6.2f} s   {row['over torch']:5.2f} x import torch")
    path = Path(__file__).parent / "results" / "imports.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"rows": rows, "environment": environment()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
