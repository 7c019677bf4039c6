"""Load the data sets that predictions and measurements share, as numpy arrays with a checksum."""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from scalewright.sim import idx

Targets = Literal["centred", "one-hot"]
NAMES = ("digits", "fashion-mnist", "fashion-mnist-test")
#: Value of a white pixel in the files: it becomes 1.
WHITE = {"digits": 16.0, "fashion-mnist": 255.0, "fashion-mnist-test": 255.0}


@dataclass(frozen=True)
class Data:
    """Inputs (P, D) and targets (P, K), float64, with labels and a checksum."""

    name: str
    inputs: np.ndarray
    targets: np.ndarray
    labels: np.ndarray

    @property
    def samples(self) -> int:
        """Number of samples P."""
        return len(self.inputs)

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes of inputs and targets: the same for the same numbers on any machine."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.targets):
            digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        return digest.hexdigest()


def load(name: str, *, samples: int | None = None, targets: Targets = "centred") -> Data:
    """Return a data set by name.

    `digits`: the 1797 images of 8 x 8 pixels that scikit-learn ships (UCI optical recognition of handwritten
    digits), pixel/16 in [0, 1], not centred; targets one-hot of the 10 classes, minus 1/10 when "centred".

    `fashion-mnist`: the 60000 training images of 28 x 28 pixels, and `fashion-mnist-test`: the 10000 of
    its test
    set; pixel/255 in [0, 1], not centred; targets likewise. Read from the folder that SCALEWRIGHT_DATA
    names, or
    from where Debian's package dataset-fashion-mnist puts it.

    Args:
        name: "digits", "fashion-mnist" or "fashion-mnist-test".
        samples: take the first so many samples; None takes all.
        targets: "centred" (one-hot minus its mean over classes) or "one-hot".

    Raises:
        ValueError: an unknown name or kind of targets, more samples than there are, or files that are missing
            (the sentence says how to get them).
    """
    if name not in NAMES:
        raise ValueError(f"data.load: name must be one of {', '.join(NAMES)}; given {name!r}")
    if targets not in ("centred", "one-hot"):
        raise ValueError(f"data.load: targets must be 'centred' or 'one-hot'; given {targets!r}")
    inputs, labels = _images(name)
    count = len(inputs) if samples is None else samples
    if not 1 <= count <= len(inputs):
        raise ValueError(
            f"data.load: samples must be between 1 and {len(inputs)} for {name}; given {samples}"
        )
    one_hot = np.eye(10)[labels[:count]]
    return Data(
        name,
        inputs[:count] / WHITE[name],
        one_hot - 0.1 if targets == "centred" else one_hot,
        labels[:count].copy(),
    )


@cache
def _images(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return all images (P, D) as their files hold them, and labels (P,)."""
    if name.startswith("fashion-mnist"):
        return idx.fashion_mnist("test" if name.endswith("test") else "train")
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return images, labels
