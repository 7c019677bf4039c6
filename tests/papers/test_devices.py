"""The networks that `verify` trains, on the CPU and on a CUDA device."""

import numpy as np
import pytest
import torch

from scalewright.papers.super_consistency import linear_networks, settings
from scalewright.papers.super_consistency.verdicts import COMPARED, ROUNDING


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", settings.PARAMETRIZATIONS)
def test_oracle_linear_networks_of_the_smoke_scale_agree(name):
    """Every measured quantity in float64 to the tolerance of `verify`; another seed is further off."""
    paths = [linear_networks.agreement(settings.SCALES["smoke"], name, device=d) for d in ("cpu", "cuda")]
    host, device = (path.sel(origin="measured") for path in paths)
    for quantity in COMPARED:
        np.testing.assert_allclose(device[quantity], host[quantity], rtol=ROUNDING)
    assert not np.allclose(device.loss.isel(seed=0), host.loss.isel(seed=1), rtol=ROUNDING)
