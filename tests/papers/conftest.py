"""Experiments at micro scale, measured once a process, and made-up ones that keep a law or break it."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from scalewright.papers.super_consistency import linear_networks, relu_networks, settings


@pytest.fixture(scope="session")
def micro():
    """The smoke scale with everything small: seconds in all."""
    return replace(
        settings.SCALES["smoke"],
        samples=64,
        linear_widths=(64, 128),
        linear_seeds=2,
        linear_steps=5,
        draw_widths=(64, 128, 256, 1024),
        draws=3,
        mlp_widths=(16, 32),
        mlp_steps=12,
        spectra_seeds=2,
        followed_seeds=2,
        transfer_seeds=2,
        rates=5,
    )


@pytest.fixture(scope="session")
def agreements(micro):
    """Trained and predicted linear networks of every parametrization."""
    return {name: linear_networks.agreement(micro, name, device="cpu") for name in settings.PARAMETRIZATIONS}


@pytest.fixture(scope="session")
def drawn(micro):
    """Exact dynamics of a few draws of every parametrization."""
    return {name: linear_networks.draws(micro, name) for name in settings.PARAMETRIZATIONS}


@pytest.fixture(scope="session")
def followed(micro):
    """Sharpness of small ReLU networks under muP and NTP, and of random features."""
    found = {name: relu_networks.consistency(micro, name, device="cpu") for name in ("mup", "ntp")}
    frozen = relu_networks.consistency(micro, "mup", features=False, device="cpu")
    return found | {"frozen": frozen, "spectra": relu_networks.spectra(micro, "mup", device="cpu")}


@pytest.fixture(scope="session")
def swept(micro):
    """Learning-rate sweeps of small ReLU networks."""
    return {name: relu_networks.transfer(micro, name, device="cpu") for name in ("mup", "sp")}


@pytest.fixture
def made():
    """Return a function that makes up trajectories (width, seed, step) from laws in the width.

    A law maps widths (n, 1, 1) to values that broadcast to (n, seeds, steps), with 1 % of noise a seed.
    """

    def make(widths=(256, 1024, 4096), seeds=8, steps=3, name="mup", noise=0.01, **laws):
        rng = np.random.default_rng(0)
        grid = np.array(widths, dtype=float)[:, None, None]
        spread = np.exp(noise * rng.standard_normal((len(widths), seeds, 1)))
        variables = {
            key: (("width", "seed", "step"), np.broadcast_to(law(grid), (len(widths), seeds, steps)) * spread)
            for key, law in laws.items()
        }
        coords = {"width": list(widths), "seed": np.arange(seeds), "step": np.arange(steps)}
        return xr.Dataset(variables, coords, {"parametrization": name, "lr": 0.1})

    return make
