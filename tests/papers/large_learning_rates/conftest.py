"""Every experiment at micro scale, measured once a process, and made-up grids that keep a law or break it."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from scalewright.papers.large_learning_rates import catalogue, settings
from scalewright.papers.large_learning_rates.coordinates import predicted

#: Weights of made-up networks.
LAYERS = ("input.weight", "hidden.0.weight", "hidden.1.weight", "readout.weight")


@pytest.fixture(scope="session")
def micro():
    """The smoke scale with everything small: seconds in all."""
    return replace(
        settings.SMOKE,
        samples=96,
        check_widths=(8, 16, 32, 64),
        check_seeds=2,
        few_seeds=2,
        adam_seeds=2,
        gap_widths=(16, 32),
        edge_widths=(8, 16),
        edge_seeds=2,
        wide_seeds=2,
        edge_steps=12,
        per_octave=1,
        deep_widths=(8, 16),
        batch_widths=(8, 16),
        batch_samples=64,
        batches=(8, 64),
        gpt_widths=(16, 32),
        gpt_steps=3,
        gpt_rates=3,
        gpt_gains=("fixed", "trainable"),
        layers=3,
        deepest=4,
        batch=16,
        check_steps=2,
        toy_seeds=2,
    )


@pytest.fixture(scope="session")
def results(micro):
    """The trajectories of every stage at micro scale, by the names of the catalogue."""
    stages = [*catalogue.chain(micro, "cpu"), *catalogue.beyond(micro, "cpu")]
    return {stage.name: stage.run() for stage in stages}


@pytest.fixture
def grids():
    """Return a function that makes up grids of rates: the largest stable one is scale * n^power * noise."""

    def make(power, *, widths=(64, 128, 256, 512), seeds=4, scale=8.0, claimed=None, noise=0.02, rates=9):
        rng = np.random.default_rng(0)
        claimed = power if claimed is None else claimed
        edge = (
            scale
            * np.array(widths)[:, None] ** power
            * np.exp(noise * rng.standard_normal((len(widths), seeds)))
        )
        shift = (np.arange(seeds) * 0.618) % 1 - 0.5
        steps = np.arange(rates) - (rates - 3) + shift[:, None]
        rate = scale * np.array(widths, dtype=float)[:, None, None] ** claimed * np.sqrt(2.0) ** steps
        over = rate / edge[..., None]
        dims = ("width", "seed", "lr")
        variables = {
            "loss": (dims, 0.1 + np.log(over * 3) ** 2),
            "accuracy": (dims, np.where(over > 1, 0.25, 0.8)),
            "test_accuracy": (dims, np.where(over > 1, 0.25, 0.75)),
            "confidence": (dims, np.full(over.shape, 0.9)),
            "diverged_at": (dims, np.where(over > 1.5, 3, -1)),
        }
        coords = {"width": list(widths), "seed": range(seeds), "lr": range(rates), "rate": (dims, rate)}
        attrs = {
            "setting": "made up",
            "classes": 4,
            "power": str(claimed),
            "loss": "cross-entropy",
            "width": 512,
            "rate": 1.0,
        }
        return xr.Dataset(variables, coords, attrs)

    return make


@pytest.fixture
def checks():
    """Return a function that makes up coordinate checks: sizes of every predicted power, plus `off`."""

    def make(check, *, off=0.0, seeds=12, noise=0.02):
        widths, rng = np.array([64, 128, 256, 512]), np.random.default_rng(0)
        dims, shape = ("width", "seed", "step", "layer"), (4, seeds, 2, 4)
        slopes = predicted(check, 4)
        variables = {}
        for part in ("effective", "propagating", "total"):
            powers = np.array([getattr(slopes[layer], part) or 0.0 for layer in LAYERS]) + off
            noises = np.exp(noise * rng.standard_normal(shape))
            variables[part] = widths[:, None, None, None] ** powers * noises
        for name, power in (("activation", 0.0), ("gradient", -0.5), ("input_change", 0.0)):
            variables[name] = widths[:, None, None, None] ** (power + off) * np.exp(
                noise * rng.standard_normal(shape)
            )
        coords = {"width": widths, "seed": range(seeds), "step": [1, 4], "layer": list(LAYERS)}
        return xr.Dataset({k: (dims, v) for k, v in variables.items()}, coords, {"layers": 4})

    return make
