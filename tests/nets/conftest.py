"""What the tests of nets share: tiny networks, tiny data, one thread."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from scalewright import nets, theory
from scalewright.theory.calculus.optimizers import OPTIMIZERS
from scalewright.theory.power import Power

SIZES = {"width": 8, "inputs": 3, "outputs": 2}


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Run these small products on one thread: two wait for each other longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def data() -> tuple[torch.Tensor, torch.Tensor]:
    """Return six samples of three inputs and two outputs."""
    rng = np.random.default_rng(5)
    return torch.from_numpy(rng.standard_normal((6, 3))), torch.from_numpy(rng.standard_normal((6, 2)))


@pytest.fixture
def labels(data: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the same inputs with two classes."""
    return data[0], torch.tensor([0, 1, 1, 0, 1, 0])


@pytest.fixture
def parametrization() -> Callable[..., Any]:
    """Return a function that gives a named parametrization of an mlp, shifted in gauge where asked."""

    def make(
        layers: int = 3,
        activation: str = "tanh",
        name: str = "mup",
        optimizer: str = "sgd",
        gauge: str | None = None,
        **changes: Power,
    ) -> Any:
        found = theory.named(theory.mlp(layers, activation=activation), name, optimizer)
        found = found if gauge is None else found.in_gauge(gauge)
        if "factor" in changes:
            rule = OPTIMIZERS[optimizer]
            shifted = {key: entry.shifted(changes["factor"], rule) for key, entry in found.entries.items()}
            found = replace(found, entries=shifted)
        if "rate" in changes:
            wrong = {key: entry.with_lr(entry.lr * changes["rate"]) for key, entry in found.entries.items()}
            found = replace(found, entries=wrong)
        return found

    return make


@pytest.fixture
def ensemble(parametrization: Callable[..., Any]) -> Callable[..., nets.Ensemble]:
    """Return a function that builds a tiny ensemble: the sizes of `SIZES`, two seeds, one rate."""

    def make(
        layers: int = 3, activation: str = "tanh", changes: dict[str, Any] | None = None, **arguments: Any
    ) -> nets.Ensemble:
        build = partial(nets.models.mlp, layers, activation=activation)
        rules = parametrization(layers, activation, **(changes or {}))
        given = {**SIZES, "seeds": (0, 1), "lrs": (0.1,), "device": "cpu", **arguments}
        return nets.Ensemble.of(build, rules, **given)

    return make
