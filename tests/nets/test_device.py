"""Names of devices, and the sentence for one that is not there."""

import re

import pytest
import torch

from scalewright.nets.device import resolve


def test_names():
    """Property: "auto" is CUDA where there is one, the CPU otherwise."""
    assert resolve("cpu") == torch.device("cpu")
    assert resolve("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match=r"^device must be 'auto', 'cpu' or 'cuda'; given 'tpu'$"):
        resolve("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_without_cuda():
    """Property: the whole sentence, with what to pass instead."""
    sentence = "device='cuda' needs CUDA and torch sees no CUDA device: pass 'cpu' or 'auto'"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        resolve("cuda")
