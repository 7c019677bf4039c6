"""Trained networks against `theory.profile`: slopes of sizes, gradients and updates, with failing controls.

Independent because the networks of benchmarks/measured are written out in torch: they know no exponents, only
the numbers that a parametrization takes at given sizes. The full set runs under `slow`; small sizes, whose
slopes carry finite-size corrections, are allowed three standard errors beside the tolerance.
"""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from scalewright import theory

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SMALL, SHALLOW = (64, 128, 256, 512), (4, 8, 16, 32)
FAR, SIGMAS = 0.3, 3


def load(name: str) -> ModuleType:
    """Import a module of the benchmarks by their path: they are no part of the package."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


measuring, training = load("measured.measuring"), load("measured.training")
networks, cases = load("measured.networks"), load("measured.cases")
BILINEAR, STEPS = load("measured.tape").BILINEAR, load("measured.optimizers").STEPS


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep two workers from sharing all cores, and put back what was."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def small(case: Any) -> Any:
    """Return a case at sizes that take a second."""
    return replace(case, sizes=SHALLOW if case.axis == "depth" else SMALL, seeds=6)


def standard(optimizer: str, rate: str) -> Any:
    """Return the perceptron with standard initialisation under one rate."""
    architecture = theory.mlp(3, "tanh")
    given = theory.named(architecture, "sp", optimizer)
    net = networks.perceptron(3, torch.tanh)
    return small(training.Case("mlp, SP", given, net, 0.02, rates={"width": rate}))


def deep(name: str) -> Any:
    """Return the residual network in a parametrization of depth."""
    given = theory.named(theory.resnet(2), name, "adam")
    return small(training.Case(name, given, networks.residual(2), 0.05, "depth", fixed={"width": 64}))


def wide(optimizer: str) -> Any:
    """Return the perceptron in the maximal update parametrization."""
    given = theory.named(theory.mlp(3), "mup", optimizer)
    return small(training.Case(f"mlp, muP, {optimizer}", given, networks.perceptron(3), 0.02))


QUICK = {
    "SP, SGD": lambda: standard("sgd", "-1/2"),
    "SP, Adam": lambda: standard("adam", "-1"),
    "muP, SGD": lambda: wide("sgd"),
    "muP, Muon": lambda: wide("muon"),
    "depth-mup": lambda: deep("depth-mup"),
    "completep": lambda: deep("completep"),
}


def missed_by(case: Any, given: theory.Parametrization) -> dict[tuple[str, str], tuple[float, float]]:
    """Return by how much, and by how many standard errors, predictions for another network miss this one."""
    rows = measuring.compare(case)
    other = measuring.predictions(case, [(row.tensor, row.quantity) for row in rows], given)
    found = {}
    for row in rows:
        distance = row.misses(other[row.tensor, row.quantity])
        found[row.tensor, row.quantity] = (distance, distance / row.error)
    return found


def assert_missed(found: dict[tuple[str, str], tuple[float, float]], *keys: tuple[str, str]) -> None:
    """Assert that every named slope is missed by far, and by more than three standard errors."""
    for key in keys:
        distance, sigmas = found[key]
        assert distance > FAR, key
        assert sigmas > SIGMAS, key


@pytest.mark.slow
@pytest.mark.parametrize("group", cases.GROUPS)
def test_oracle_every_exponent_of_trained_networks(group: str) -> None:
    """Widths to 4096, depths to 256: 0.1, and 0.15 for the propagating update of the logits."""
    rows = [row for case in cases.GROUPS[group]() for row in measuring.compare(case)]
    missed = [measuring.line(row) for row in rows if row.misses() > row.tolerance and not row.exception]
    assert missed == []
    assert [measuring.line(row) for row in rows if row.exception and row.misses() <= row.tolerance] == []


@pytest.mark.parametrize("name", QUICK)
def test_oracle_small_networks(name: str) -> None:
    rows = measuring.compare(QUICK[name]())
    assert len(rows) >= 14
    assert [measuring.line(r) for r in rows if r.misses() > r.tolerance + SIGMAS * r.error] == []


def test_identity_effective_and_propagating_updates_add_up() -> None:
    """W_t x_t - W_0 x_0 = (W_t - W_0) x_t + W_0 (x_t - x_0)."""
    run = training.Run.of(wide("adam"), 64, 0)
    first, loss = run.forward()
    run.update(run.gradients(first, loss)[0], 1)
    last, _ = run.forward()
    for name, (before,) in first.uses.items():
        (after,) = last.uses[name]
        product, m = BILINEAR[before.op], run.numbers[before.key].multiplier
        effective = m * product(after.x, run.moved[before.key])
        propagating = m * product(after.x - before.x, run.initial[before.key])
        torch.testing.assert_close(effective + propagating, after.y - before.y, rtol=1e-9, atol=1e-12)


def test_identity_the_polar_factor_of_muon() -> None:
    """On the span of its gradient Muon's step is orthogonal: the singular values are 1."""
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(40, 5, generator=generator, dtype=torch.float64) for _ in range(2))
    step = STEPS["muon"]({}, left @ right.T, torch.zeros(40, 40), 0.0, 1)
    u, _, v = torch.linalg.svd(left @ right.T)
    torch.testing.assert_close(step, u[:, :5] @ v[:5], rtol=1e-9, atol=1e-9)


def test_control_muP_does_not_describe_standard_parametrization() -> None:
    case = standard("sgd", "-1/2")
    found = missed_by(case, theory.named(theory.mlp(3, "tanh"), "mup", "sgd"))
    assert_missed(found, ("input", "effective"), ("readout", "size"), ("readout", "effective"))
    assert_missed(found, ("hidden.0", "gradient"), ("hidden.0", "propagating"), ("readout", "propagating"))


def test_control_a_wrong_rate_is_missed() -> None:
    case = standard("sgd", "-1/2")
    found = missed_by(case, case.parametrization.with_lr({"width": "-1"}))
    assert_missed(found, ("input", "effective"), ("hidden.0", "effective"), ("readout", "effective"))
    assert_missed(found, ("hidden.0", "propagating"), ("readout", "propagating"))


def test_control_independent_readout_is_missed() -> None:
    """Were the readout independent of how features move, the logits of Adam at n^-1 would not grow."""
    case = standard("adam", "-1")
    independent = replace(case.given, alignment=theory.Alignment(narrow="1/2"))  # type: ignore[arg-type]
    assert_missed(missed_by(case, independent), ("readout", "propagating"))


def test_control_depths_parametrizations_differ() -> None:
    found = missed_by(deep("depth-mup"), deep("completep").given)
    assert_missed(found, ("blocks.0", "effective"), ("blocks.sum.branch", "size"), ("blocks.1", "gradient"))
