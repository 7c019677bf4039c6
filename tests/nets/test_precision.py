"""Which type a network is trained in, and what is refused."""

from functools import partial

import pytest
import torch

from scalewright import nets, theory
from scalewright.nets.precision import check_precision, precision_of


def test_small_gammas_take_float64():
    assert [precision_of(gamma) for gamma in (1.0, 1e-2, 9e-3)] == ["float32", "float32", "float64"]


def test_only_centred_float32_is_refused():
    for dtype, centred in (("float64", True), ("auto", True), ("float32", False)):
        check_precision("here", 1e-4, dtype, centred=centred)
    check_precision("here", 1e-2, "float32", centred=True)
    with pytest.raises(ValueError, match=r"^here: dtype must be float64.*cancels the digits"):
        check_precision("here", 1e-4, "float32", centred=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_centred_network_of_small_gamma_is_built_in_less_than_float64(dtype):
    build = partial(nets.models.mlp, 2)
    rule = theory.named(theory.mlp(2), "mup", "sgd")
    sizes = {"width": 8, "inputs": 3, "outputs": 1, "device": "cpu"}
    members = [nets.Member(0, 1.0, 1.0), nets.Member(0, 1.0, 1e-3)]
    with pytest.raises(ValueError, match=r"^parametrize: .* float64 .* gamma = 0\.001: centring"):
        nets.parametrize(build, rule, **sizes, gamma=1e-3, dtype=dtype, centred=True)
    with pytest.raises(ValueError, match=r"^Ensemble: .* float64 .* gamma = 0\.001: centring"):
        nets.Ensemble.stack(build, rule, members, **sizes, dtype=dtype, centred=True)
    nets.Ensemble.stack(build, rule, members, **sizes, dtype=dtype)
    nets.Ensemble.stack(build, rule, members[:1], **sizes, dtype=dtype, centred=True)
    nets.Ensemble.stack(build, rule, members, **sizes, centred=True)
