"""Hold the derived exponents against the published tables: exact, so every distance must be zero."""

from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

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
#: Powers of the width: effective updates, the readout's propagating one, logits.
Line: TypeAlias = tuple[tuple[str, ...], str, str]
#: By (optimizer, weight layers, c, alignment).
UPDATES: dict[tuple[str, int, str, str], Line] = {
    ("sgd", 3, "1/2", "1"): (("-1", "0", "1/2"), "1/2", "1/2"),
    ("sgd", 3, "1", "1"): (("-3/2", "-1/2", "0"), "0", "0"),
    ("sgd", 2, "0", "1"): (("0", "1"), "1/2", "1"),
    ("adam", 3, "1", "1"): (("-1", "0", "0"), "1/2", "1/2"),
    ("adam", 3, "3/2", "1"): (("-3/2", "-1/2", "-1/2"), "0", "0"),
    ("adam", 3, "1", "1/2"): (("-1", "0", "0"), "0", "0"),
    ("adam", 2, "0", "1"): (("0", "1"), "1/2", "1"),
}
#: How many of four updates grow with the logits, by optimizer and loss.
FEEDBACK = (
    ("sgd", "cross-entropy", 0),
    ("sgd", "brier", 0),
    ("sgd", "squared", 4),
    ("adam", "squared", 0),
)
#: What the alignment of the readout adds to statements and ids.
ALIGNED, ENDING = {"1": "", "1/2": ", omega = 1/2"}, {"1": "", "1/2": "-everett"}
SOURCE = "Haas et al. (2025), arXiv:2505.22491, propositions 2 and 4; exact arithmetic"


def rows() -> list[Verdict]:
    """Return one row for every line of the tables, what the mechanism says, and the batch axis.

    Every table has a control: a line of another network, which the derivation must miss.
    """
    return [*_edges(), *_updates(), *_full_align(), *_feedback(), *_batch()]


def _edges() -> Iterator[Verdict]:
    for network, published in EDGES.items():
        optimizer, layers, loss, narrow = network
        what = f"SP, {optimizer}, {layers} layers, {loss}" + ALIGNED[narrow]
        words = f"{what}: bounded logits at n^-{published[0]}, bounded features at n^-{published[1]}"
        name = f"{optimizer}-{layers}-{loss}" + ENDING[narrow]
        yield _exact(f"theory-edges-{name}", words, _edge_gap(*network, published))
    words = "SP, sgd, 4 layers: cross-entropy has the edges of the squared loss, n^-1 and n^-1"
    gap = _edge_gap("sgd", 4, "cross-entropy", "1", ("1", "1"))
    yield _control("theory-edges-control", words, gap)


def _edge_gap(optimizer: str, layers: int, loss: str, narrow: str, published: tuple[str, str]) -> Fraction:
    """Return the largest distance of two derived edges from published ones."""
    derived = edges(mlp(layers), "sp", optimizer, loss, alignment=Alignment(narrow=Fraction(narrow)))
    powers = (derived.bounded_logits, derived.feature_learning)
    return max(abs(-p.exponent("width") - Fraction(c)) for p, c in zip(powers, published, strict=True))


def _updates() -> Iterator[Verdict]:
    for network, line in UPDATES.items():
        optimizer, layers, c, narrow = network
        effective, propagating, logits = line
        words = (
            f"SP, {optimizer}, {layers} layers, rate n^-{c}{ALIGNED[narrow]}: effective updates "
            f"n^({', '.join(effective)}), propagating n^{propagating}, logits n^{logits}"
        )
        name = f"{optimizer}-{layers}-{c.replace('/', '-')}" + ENDING[narrow]
        yield _exact(f"theory-updates-{name}", words, _update_gap(*network, line))
    words = "SP, sgd, 3 layers: updates at the rate n^-1/2 are those at n^-1"
    gap = _update_gap("sgd", 3, "1/2", "1", (("-3/2", "-1/2", "0"), "0", "0"))
    yield _control("theory-updates-control", words, gap)


def _update_gap(optimizer: str, layers: int, c: str, narrow: str, line: Line) -> Fraction:
    """Return the largest distance of the derived sizes at a rate from those of a published line."""
    aligned = Alignment(narrow=Fraction(narrow))
    part = profile(named(mlp(layers), "sp", optimizer), lr={"width": -Fraction(c)}, alignment=aligned)
    readout = part["width"].row("readout")
    derived = (*(row.effective for row in part["width"].later), readout.propagating, readout.change)
    published = (*line[0], *line[1:])
    assert None not in derived
    return max(abs(Fraction(d or 0) - Fraction(p)) for d, p in zip(derived, published, strict=True))


def _full_align() -> Iterator[Verdict]:
    """Logits of SP-full-align grow as n^1/2; with as many outputs as units their root mean square stays."""
    for outputs, logits in (("few", Fraction(1, 2)), ("many", Fraction(0))):
        words = f"SP-full-align, {outputs} outputs, SGD and Adam: logits (their rms) go as n^{logits}"
        yield _exact(f"theory-full-align-{outputs}", words, _align_gap(outputs, logits))
    words = "SP-full-align, many outputs, SGD and Adam: logits (their rms) go as n^1/2, as those of few do"
    yield _control("theory-full-align-control", words, _align_gap("many", Fraction(1, 2)))


def _align_gap(outputs: str, logits: Fraction) -> Fraction:
    graph = mlp(3) if outputs == "few" else grown(mlp(3), {"outputs": 1})
    changes = [
        profile(named(graph, "sp-full-align", optimizer))["width"].row("readout").change
        for optimizer in ("sgd", "adam")
    ]
    assert None not in changes
    return max(abs(Fraction(change or 0) - logits) for change in changes)


def _feedback() -> Iterator[Verdict]:
    """How many of the four weights have updates that grow with the logits."""
    for optimizer, loss, count in FEEDBACK:
        words = f"SP, {optimizer}, 4 layers, {loss}: {count} of 4 updates grow if the logits do"
        yield _exact(f"theory-feedback-{optimizer}-{loss}", words, abs(_reading(optimizer, loss) - count))
    words = "SP, sgd, 4 layers, squared: 0 of 4 updates grow if the logits do, as under cross-entropy"
    yield _control("theory-feedback-control", words, _reading("sgd", "squared"))


def _reading(optimizer: str, loss: str) -> int:
    derived = mechanism(mlp(4), "sp", optimizer, loss, rates=(0, 2))
    return sum(name.startswith("U[") for name in derived.reading)


def _batch() -> Iterator[Verdict]:
    """Both edges gain the same power of the batch size, so that the window in c stays as wide."""
    basis = "the batch axis of the calculus: a fixed number of samples, below the critical batch"
    powers = {optimizer: _batch_powers(optimizer) for optimizer in ("sgd", "adam")}
    for optimizer, (low, high) in powers.items():
        words = f"{optimizer}, 4 layers: powers of the batch size in the two edges are the same, B^{low}"
        yield _exact(f"theory-batch-{optimizer}", words, high - low, basis)
    words = "4 layers: SGD and Adam gain the same power of the batch size"
    yield _control("theory-batch-control", words, powers["sgd"][0] - powers["adam"][0], basis)


def _batch_powers(optimizer: str) -> tuple[Fraction, Fraction]:
    """Return the powers of the batch size in the largest rates with bounded logits, and with free ones."""
    first, second = (
        derive(mlp(4), optimizer, ("batch",), [unit_gain, stable_features, logits, one_rate, largest_rates])
        for logits in (bounded_logits, free_logits)
    )
    low, high = (next(iter(p.entries.values())).lr.exponent("batch") for p in (first, second))
    return low, high


def _exact(id: str, words: str, gap: Fraction | int, basis: str = SOURCE) -> Verdict:
    statement = f"{words} (largest distance)"
    return judge(id, statement, float(gap), predicted=0.0, tolerance=0.0, basis=basis)


def _control(id: str, words: str, gap: Fraction | int, basis: str = SOURCE) -> Verdict:
    statement = f"{words} (largest distance)"
    return judge(id, statement, float(gap), predicted=0.0, tolerance=0.0, expected="break", basis=basis)
