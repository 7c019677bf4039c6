"""What a run's keys stand for: the network, its parametrization, and what it trains on."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import torch

from scalewright.nets import models
from scalewright.nets.data import TensorData, as_data
from scalewright.nets.feeds import Feed, Minibatches, Online, Whole, own_samples
from scalewright.nets.parametrize import Build
from scalewright.nets.sweep.specification import WHOLE, Run
from scalewright.sim import data as arrays
from scalewright.sim import text
from scalewright.sim.streams import STREAMS, Stream, stream
from scalewright.theory import convnet, gpt, mlp, named, resnet
from scalewright.theory.parametrization import Parametrization


def parametrization_of(run: Run) -> Parametrization:
    """Return the parametrization of a run; the gradient flow has that of gradient descent.

    Raises:
        ScalingError: one that doesn't exist for the network and the optimizer.
    """
    optimizer = "sgd" if run.optimizer == "flow" else run.optimizer
    return _named(run.model, run.layers, run.activation, run.parametrization, optimizer)


@cache
def _named(model: str, layers: int, activation: str, name: str, optimizer: str) -> Parametrization:
    match model:
        case "mlp":
            architecture = mlp(layers, activation)
        case "residual":
            architecture = resnet(layers=1, activation=activation)
        case "convnet":
            architecture = convnet(layers, activation)
        case _:
            architecture = gpt(activation=activation)
    return named(architecture, name, optimizer)


def build_of(run: Run) -> Build:
    """Return the function that builds the run's plain model."""
    builders: dict[str, Any] = {
        "mlp": models.mlp,
        "residual": models.residual,
        "convnet": models.convnet,
        "gpt": models.gpt,
    }
    return partial(builders[run.model], run.layers, activation=run.activation)


def sizes_of(run: Run) -> dict[str, int]:
    """Return width, inputs and outputs of the run's network."""
    outputs = {"digits": 10, "text": text.VOCABULARY}.get(run.data, 1)
    return {"width": run.width, "inputs": run.inputs, "outputs": outputs}


def feed_of(runs: Sequence[Run]) -> Feed:
    """Return what the runs of one block train on, a member each."""
    first = runs[0]
    seeds = [run.data_seed for run in runs]
    streams = [stream(run.data, inputs=run.inputs, task=run.task) for run in runs if run.data in STREAMS]
    if first.online:
        return Online(streams, int(first.batch), seeds, evaluation=first.samples)
    data = _samples(runs, streams)
    return Whole(data) if first.batch == WHOLE else Minibatches(data, int(first.batch), seeds)


def _samples(runs: Sequence[Run], streams: Sequence[Stream]) -> TensorData:
    """Return a fixed set of samples: shared where it is the same by the kind of the data."""
    first = runs[0]
    if streams:
        return own_samples(streams, first.samples, [run.data_seed for run in runs])
    if first.data == "text":
        inputs, targets = text.windows(first.samples, first.inputs)
        return TensorData(
            torch.from_numpy(inputs), torch.from_numpy(targets), "text", text.sha256(), checked=True
        )
    wanted: arrays.Targets = "centred" if first.loss == "mse" else "one-hot"
    return as_data(arrays.load("digits", samples=first.samples, targets=wanted))
