"""Decide on which device a computation runs."""

from typing import Literal, TypeAlias

import torch

Device: TypeAlias = Literal["auto", "cpu", "cuda"]


def resolve(device: str | torch.device) -> torch.device:
    """Return the torch device that `device` names: "auto" is CUDA where there is one, otherwise the CPU.

    Raises:
        ValueError: an unknown name, or "cuda" where torch sees no CUDA device.
    """
    name = str(device)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.split(":")[0] not in ("cpu", "cuda"):
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda'; given {name!r}")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device={name!r} needs CUDA and torch sees no CUDA device: pass 'cpu' or 'auto'")
    return torch.device(name)
