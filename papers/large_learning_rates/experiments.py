"""The networks that are compared: grids of rates, coordinate checks, and what each is called."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from scalewright.papers.large_learning_rates.coordinates import Check
from scalewright.papers.large_learning_rates.edges import Setting
from scalewright.papers.large_learning_rates.settings import Scale

HALF, ONE = Fraction(1, 2), Fraction(1)
LOSSES = {"cross-entropy": "cross-entropy", "mse": "squared loss"}

#: Where the best rate is read as well, grids reach far below and are coarse.
WHOLE: dict[str, Any] = {"below": 3.5, "above": 1.5, "per_octave": 2}
#: Single networks under cross-entropy are best three octaves below the largest stable rate.
FAR = {"cross-entropy": WHOLE | {"below": 4.5}, "mse": WHOLE}
#: Steps within which runs just below the edge of the squared loss are judged, by the name of their stage.
CATAPULTS = {"catapult-short": 60, "catapult-long": 1200}
#: Grids of rates, by the name of their stage.
EDGES = {
    **{f"deep-{loss}": Setting(f"SP, deep, {LOSSES[loss]}", "sp", loss, **FAR[loss]) for loss in LOSSES},
    **{
        f"two-{loss}": Setting(f"SP, two layers, {LOSSES[loss]}", "sp", loss, depth=2, seeds=2)
        for loss in LOSSES
    },
    **{f"mup-{loss}": Setting(f"muP, deep, {LOSSES[loss]}", "mup", loss, **WHOLE) for loss in LOSSES},
}

#: Coordinate checks at the edges of theory, by the name of their stage; rates near the edge at width 128.
#: Adam's make the logits as large as 1 at the narrowest networks: where they reach 1 in between, hidden
#: layers move by less with the width for a while, as later steps undo earlier ones.
CHECKS = {
    "sgd-half": Check("SP, SGD at n^-1/2", "sgd", HALF, 0.3, few=False),
    "sgd-one": Check("SP, SGD at n^-1", "sgd", ONE, 0.1, few=False),
    "adam-one": Check("SP, Adam at n^-1", "adam", ONE, 0.01),
    "adam-three-halves": Check("SP, Adam at n^-3/2", "adam", 3 * HALF, 0.01),
}
#: Further powers of Adam's rate, for where the hidden layers stop growing.
ADAM = {
    "adam-three-quarters": Check("SP, Adam at n^-3/4", "adam", Fraction(3, 4), 0.01),
    "adam-five-quarters": Check("SP, Adam at n^-5/4", "adam", Fraction(5, 4), 0.01),
}
#: Three powers inside the window of controlled divergence, and one below it.
GROWTH = {
    f"growth-{name}": Check(f"SP, SGD at n^-{power}", "sgd", power, 0.1)
    for name, power in (
        ("five-eighths", Fraction(5, 8)),
        ("three-quarters", Fraction(3, 4)),
        ("seven-eighths", Fraction(7, 8)),
    )
}
SQUARED = Check("SP, squared loss, SGD at n^-3/4", "sgd", Fraction(3, 4), 0.1, loss="mse")
BELOW = Check("SP, SGD at n^-1/4", "sgd", Fraction(1, 4), 1.0)
#: Two layers at n^0, a few steps; the squared loss at its largest stable power; every layer at its own
# largest rate.
GAP = {
    loss: Check(f"SP, two layers, {LOSSES[loss]}, SGD at n^0", "sgd", Fraction(0), 2.5, loss=loss, depth=2)
    for loss in LOSSES
}
ADAM_SQUARED = Check("SP, squared loss, Adam at n^-1", "adam", ONE, 0.01, loss="mse")
LAZY = Check("SP, squared loss, SGD at n^-1", "sgd", ONE, 0.03, loss="mse", few=False)
ALIGN = Check("SP-full-align, SGD", "sgd", None, 0.02, "sp-full-align", few=False)
MANY = Check("SP-full-align, SGD, 4096 classes", "sgd", None, 0.02, "sp-full-align", many=4096)


def deepest(scale: Scale) -> Setting:
    """Return the deepest networks of a scale."""
    return Setting(f"SP, {scale.deepest} layers, cross-entropy", "sp", "cross-entropy", depth=scale.deepest)


def narrowing(scale: Scale) -> dict[str, Setting]:
    """Return networks of other seeds on the smallest and the largest batches, by the name of their stage."""
    return {
        f"narrowing-{name}": replace(setting, first=1000, seeds=1)
        for name, setting in ((key.removeprefix("batch-"), one) for key, one in batches(scale).items())
        if setting.batch in (min(scale.batches), max(scale.batches))
    }


def batches(scale: Scale) -> dict[str, Setting]:
    """Return the networks trained on batches of several sizes, by the name of their stage."""
    return {
        f"batch-{size}-{loss}": Setting(
            f"SP, deep, {LOSSES[loss]}, batches of {size}", "sp", loss, batch=size, seeds=2
        )
        for size in scale.batches
        for loss in LOSSES
    }
