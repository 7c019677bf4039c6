"""Hold the derived exponents against the published tables: exact, so every distance must be zero."""

from fractions import Fraction

from scalewright.sim.verdict import Verdict, judge
from scalewright.theory import Alignment, derive, edges, grown, mechanism, mlp, named, profile
from scalewright.theory.desiderata import (
    bounded_logits,
    free_logits,
    largest_rates,
    one_rate,
    stable_features,
    unit_gain,
)

#: By (optimizer, weight layers, loss, alignment of the readout): c of bounded logits, c of bounded features.
EDGES = {
    ("sgd", 4, "cross-entropy", "1"): ("1", "1/2"),
    ("sgd", 4, "brier", "1"): ("1", "1/2"),
    ("sgd", 4, "squared", "1"): ("1", "1"),
    ("sgd", 2, "cross-entropy", "1"): ("1", "0"),
    ("sgd", 2, "squared", "1"): ("1", "1"),
    ("adam", 4, "cross-entropy", "1"): ("3/2", "1"),
    ("adam", 4, "cross-entropy", "1/2"): ("1", "1"),
    ("adam", 2, "cross-entropy", "1"): ("1", "0"),
}
#: By (optimizer, weight layers, c, alignment): effective updates, the readout's propagating one, logits.
UPDATES = {
    ("sgd", 3, "1/2", "1"): (("-1", "0", "1/2"), "1/2", "1/2"),
    ("sgd", 3, "1", "1"): (("-3/2", "-1/2", "0"), "0", "0"),
    ("sgd", 2, "0", "1"): (("0", "1"), "1/2", "1"),
    ("adam", 3, "1", "1"): (("-1", "0", "0"), "1/2", "1/2"),
    ("adam", 3, "3/2", "1"): (("-3/2", "-1/2", "-1/2"), "0", "0"),
    ("adam", 3, "1", "1/2"): (("-1", "0", "0"), "0", "0"),
    ("adam", 2, "0", "1"): (("0", "1"), "1/2", "1"),
}
SOURCE = "Haas et al. (2025), arXiv:2505.22491, propositions 2 and 4; exact arithmetic"


def rows() -> list[Verdict]:
    """Return one row for every line of the tables, what the mechanism says, and the batch axis."""
    return [*_edges(), *_updates(), *_full_align(), *_feedback(), *_batch()]


def _edges() -> list[Verdict]:
    found = []
    for (optimizer, layers, loss, narrow), published in EDGES.items():
        derived = edges(mlp(layers), "sp", optimizer, loss, alignment=Alignment(narrow=Fraction(narrow)))
        powers = (derived.bounded_logits, derived.feature_learning)
        gap = max(abs(-p.exponent("width") - Fraction(c)) for p, c in zip(powers, published, strict=True))
        name = f"{optimizer}-{layers}-{loss}" + ("-everett" if narrow != "1" else "")
        what = f"SP, {optimizer}, {layers} layers, {loss}" + (", omega = 1/2" if narrow != "1" else "")
        words = f"{what}: bounded logits at n^-{published[0]}, bounded features at n^-{published[1]}"
        found.append(_exact(f"theory-edges-{name}", words, gap))
    return found


def _updates() -> list[Verdict]:
    found = []
    for (optimizer, layers, c, narrow), (effective, propagating, logits) in UPDATES.items():
        aligned = Alignment(narrow=Fraction(narrow))
        given = named(mlp(layers), "sp", optimizer)
        part = profile(given, lr={"width": -Fraction(c)}, alignment=aligned)["width"]
        readout = part.row("readout")
        derived = [*(row.effective for row in part.later), readout.propagating, readout.change]
        published = [*effective, propagating, logits]
        gap = max(abs(Fraction(d) - Fraction(p)) for d, p in zip(derived, published, strict=True))  # type: ignore[arg-type]
        name = f"{optimizer}-{layers}-{c.replace('/', '-')}" + ("-everett" if narrow != "1" else "")
        words = (
            f"SP, {optimizer}, {layers} layers, rate n^-{c}"
            + (", omega = 1/2" if narrow != "1" else "")
            + f": effective updates n^({', '.join(effective)}), propagating n^{propagating}, logits "
            f"n^{logits}"
        )
        found.append(_exact(f"theory-updates-{name}", words, gap))
    return found


def _full_align() -> list[Verdict]:
    """Logits of SP-full-align grow as n^1/2; with as many outputs as units their root mean square stays."""
    found = []
    for outputs, logits in (("few", Fraction(1, 2)), ("many", Fraction(0))):
        graph = mlp(3) if outputs == "few" else grown(mlp(3), {"outputs": 1})
        changes = [
            profile(named(graph, "sp-full-align", optimizer))["width"].row("readout").change
            for optimizer in ("sgd", "adam")
        ]
        gap = max(abs(Fraction(change) - logits) for change in changes)
        words = f"SP-full-align, {outputs} outputs, SGD and Adam: logits (their rms) go as n^{logits}"
        found.append(_exact(f"theory-full-align-{outputs}", words, gap))
    return found


def _feedback() -> list[Verdict]:
    """How many of the four weights have updates that grow with the logits."""
    found = []
    for optimizer, loss, count in (("sgd", "cross-entropy", 0), ("sgd", "brier", 0), ("sgd", "squared", 4),
                                   ("adam", "squared", 0)):  # fmt: skip
        derived = mechanism(mlp(4), "sp", optimizer, loss, rates=(0, 2))
        reading = sum(name.startswith("U[") for name in derived.reading)
        words = f"SP, {optimizer}, 4 layers, {loss}: {count} of 4 updates grow if the logits do"
        found.append(_exact(f"theory-feedback-{optimizer}-{loss}", words, abs(reading - count)))
    return found


def _batch() -> list[Verdict]:
    """Both edges gain the same power of the batch size, so that the window in c stays as wide."""
    found = []
    for optimizer in ("sgd", "adam"):
        powers = [
            derive(
                mlp(4), optimizer, ("batch",), [unit_gain, stable_features, logits, one_rate, largest_rates]
            )
            for logits in (bounded_logits, free_logits)
        ]
        low, high = (next(iter(p.entries.values())).lr.exponent("batch") for p in powers)
        words = f"{optimizer}, 4 layers: powers of the batch size in the two edges are the same, B^{low}"
        found.append(
            judge(f"theory-batch-{optimizer}", words, float(high - low), predicted=0.0, tolerance=0.0,
                  basis="the batch axis of the calculus: a fixed number of samples, below the critical "
                  "batch")
        )  # fmt: skip
    return found


def _exact(id: str, words: str, gap: Fraction | int) -> Verdict:
    return judge(id, f"{words} (largest distance)", float(gap), predicted=0.0, tolerance=0.0, basis=SOURCE)
