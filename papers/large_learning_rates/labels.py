"""What the initial readout passes on to the logit of a sample's own class, with few outputs and with many."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import xarray as xr

from scalewright import nets
from scalewright.papers.large_learning_rates import coordinates, networks
from scalewright.papers.large_learning_rates.coordinates import Check
from scalewright.papers.large_learning_rates.settings import Scale
from scalewright.sim.dataset import dataset

Progress = Callable[[int, int], None] | None
#: Samples of the one step, on which its effect is measured: their labels are all different where classes are
# many.
SAMPLES = 32


def run(
    scale: Scale, check: Check, *, widths: Sequence[int], device: str = "auto", progress: Progress = None
) -> xr.Dataset:
    """Take one step at every width and seed, and split W_0 (x_1 - x_0) of the readout by output.

    Returns:
        A dataset (width, seed): `propagating`, the root mean square over all outputs, and `label_update`,
        that of the logit of each sample's own class, and `input_change`, that of x.
    """
    data, place = coordinates.data_of(scale, check), nets.device.resolve(device)
    inputs = torch.from_numpy(data.inputs[:SAMPLES]).to(place, torch.float32)
    labels = torch.from_numpy(data.labels[:SAMPLES]).to(place)
    seeds = check.seeds(scale)
    found = np.empty((3, len(widths), len(seeds)))
    for row, width in enumerate(widths):
        for column, seed in enumerate(seeds):
            model = networks.single(
                coordinates.rule_of(check, scale.layers), scale.layers, width, data, seed=seed
            )
            found[:, row, column] = _step(model.to(place), check, inputs, labels)
        if progress:
            progress(row + 1, len(widths))
    dims = ("width", "seed")
    names = ("propagating", "label_update", "input_change")
    variables = {name: (dims, values) for name, values in zip(names, found, strict=True)}
    return dataset(variables, {"width": list(widths), "seed": list(seeds)}, {"check": check.label})


def _step(
    model: nets.Parametrized, check: Check, inputs: torch.Tensor, labels: torch.Tensor
) -> tuple[float, float, float]:
    """Return the three sizes after one step; the parametrization has no multipliers."""
    optimizer = coordinates.optimizer_of(model, check)
    readout = model.model.get_parameter("readout.weight").detach().clone()
    with nets.observe(model.model, ["readout"]) as records:
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
        with torch.no_grad():
            model(inputs)
        before, after = (value.detach() for value in records["readout"].inputs)
    change = (after - before) @ readout.mT
    own = change.gather(1, labels[:, None])
    moved = (after - before).square().mean(1).sqrt().mean()
    return float(change.square().mean(1).sqrt().mean()), float(own.square().mean().sqrt()), float(moved)
