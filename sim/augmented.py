"""Images without end for online training: shifted, and mirrored where that keeps the class."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from scalewright.sim import data
from scalewright.sim.streams import Stream

#: Images of the digits that are kept for evaluation; the last ones.
HELD_OUT = 297


@dataclass(frozen=True)
class AugmentedImages(Stream):
    """A stream of images of a data set of `sim.data`, each drawn at random, shifted and mirrored at random.

    Shifts are by up to an eighth of the side in each direction, with black pixels coming in; mirrored are
    images of Fashion-MNIST, and no digits. Pixels are divided by their root mean square over the data set;
    targets are one-hot minus their mean. The evaluation, step -1, draws held-out images as they are.

    Attributes:
        source: "digits" or "fashion-mnist".

    Raises:
        ValueError: an unknown source, another number of inputs than its pixels, or files that are missing.
    """

    source: str = "digits"
    name: ClassVar[str] = "augmented"

    def __post_init__(self) -> None:
        if self.source not in ("digits", "fashion-mnist"):
            raise ValueError(f"augmented: source must be 'digits' or 'fashion-mnist'; given {self.source!r}")
        pixels = data.load(self.source, samples=1).inputs.shape[1]
        if self.inputs != pixels:
            raise ValueError(f"augmented: inputs of {self.source!r} must be {pixels}; given {self.inputs!r}")

    def target(self, inputs: np.ndarray) -> np.ndarray:
        """Refuse: the class of an image is known where it was drawn, and not from its pixels."""
        raise TypeError("augmented: images come with their classes: call sample")

    def sample(self, samples: int, *, seed: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs (samples, D) and targets (samples, 10) of one step of the stream `seed`."""
        generator = self._generator(seed, step + 1)
        seen, held_out = _images(self.source)
        source = held_out if step < 0 else seen
        chosen = generator.integers(len(source.inputs), size=samples)
        images = source.inputs[chosen] / np.sqrt((seen.inputs**2).mean())
        if step >= 0:
            images = self._moved(images, generator)
        return images, source.targets[chosen]

    def _moved(self, images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return the images shifted and mirrored, each its own way."""
        side = round(np.sqrt(self.inputs))
        reach = side // 8
        squares = np.pad(images.reshape(-1, side, side), ((0, 0), (reach, reach), (reach, reach)))
        down, right = generator.integers(2 * reach + 1, size=(2, len(images)))
        places = np.arange(side)
        rows, columns = down[:, None] + places, right[:, None] + places
        mirrored = generator.integers(2, size=len(images)).astype(bool)
        if self.source == "fashion-mnist":
            columns[mirrored] = columns[mirrored, ::-1]
        moved = squares[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
        return moved.reshape(len(images), -1)


@cache
def _images(source: str) -> tuple[data.Data, data.Data]:
    """Return the images to train on and those held out."""
    if source == "fashion-mnist":
        return data.load("fashion-mnist"), data.load("fashion-mnist-test")
    every = data.load("digits")
    parts = (slice(None, -HELD_OUT), slice(-HELD_OUT, None))
    seen, held_out = (
        data.Data(every.name, every.inputs[part], every.targets[part], every.labels[part]) for part in parts
    )
    return seen, held_out
