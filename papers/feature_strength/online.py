"""Train networks once through a stream of images: the best rate, and what each strength achieves with it."""

import xarray as xr

from scalewright.nets.feeds import Online
from scalewright.papers.feature_strength.edges import OVERFLOW
from scalewright.papers.feature_strength.networks import Progress, around, network, train
from scalewright.papers.feature_strength.settings import Scale
from scalewright.sim.augmented import AugmentedImages

PIXELS = {"digits": 64, "fashion-mnist": 784}
BATCH, EVALUATION = 32, 297
#: Windows of rates over the toy's largest one, lazy and rich, that hold the best rates of these networks.
LAZY, RICH = (0.4, 8.0), (0.7, 20.0)


def best(scale: Scale, layers: int, *, device: str, progress: Progress | None = None) -> xr.Dataset:
    """Train ReLU networks on augmented images for a fixed number of steps, over a lattice of rates.

    No image comes twice; the loss is that on held-out images, at the last step.
    """
    stream = AugmentedImages(inputs=PIXELS[scale.online_source], source=scale.online_source)
    cells = around(
        scale.online_gammas, layers, scale.online_seeds, per_decade=scale.online_rates, lazy=LAZY, rich=RICH
    )
    found = train(
        network("relu", layers, inputs=stream.inputs, outputs=10),
        cells,
        lambda seeds: Online([stream] * len(seeds), BATCH, seeds, evaluation=EVALUATION),
        steps=scale.online_steps,
        recorded=(0, scale.online_steps),
        divergence=OVERFLOW,
        device=device,
        progress=progress,
    )
    return found.assign_attrs(layers=layers, batch=BATCH, source=scale.online_source)
