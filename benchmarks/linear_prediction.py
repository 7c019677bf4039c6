"""Time the exact prediction of a linear network against training it, at growing widths, in one run."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from scalewright import nets
from scalewright.papers.super_consistency import linear_networks, settings
from scalewright.sim import linear
from scalewright.sim.provenance import environment

STEPS = 30
WIDTHS = (256, 1024, 4096)
FAR = 2**40


def seconds(run: Callable[[], object]) -> float:
    """Best wall time of three runs."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print a line a width and write results/linear_prediction.json."""
    images = settings.digits(settings.scale_of("smoke"))
    task = linear.Problem.of(images.inputs, images.targets)
    rule, lr = settings.linear_network("mup"), 2.0

    def predict(width: int) -> object:
        return linear.trajectory(task, rule, width=width, lr=lr, steps=STEPS, spectra_at=[STEPS])

    def train(width: int) -> object:
        sizes = {"width": width, "inputs": task.inputs, "outputs": task.outputs}
        ensemble = nets.Ensemble.of(linear_networks.build, rule, lrs=[lr], **sizes)  # type: ignore[arg-type]
        return nets.train(ensemble, (images.inputs, images.targets), steps=STEPS, observe_at=[STEPS])

    rows = {}
    for width in WIDTHS:
        ours, theirs = seconds(lambda: predict(width)), seconds(lambda: train(width))  # noqa: B023
        rows[str(width)] = {"predict": ours, "train and measure": theirs, "ratio": theirs / ours}
        print(f"N = {width:5}: training takes {theirs / ours:5.1f} times the prediction ({ours:.2f} s)")
    rows[str(FAR)] = {"predict": seconds(lambda: predict(FAR))}
    print(
        f"N = 2^40: the prediction takes {rows[str(FAR)]['predict'] / rows['256']['predict']:.1f} x N = 256"
    )
    path = Path(__file__).parent / "results" / "linear_prediction.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"rows": rows, "environment": environment()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
