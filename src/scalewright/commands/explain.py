"""`scalewright explain`: the proof of one entry of a scaling table."""

from typing import Annotated

import typer

from scalewright.commands import networks
from scalewright.frontdoor import one_sentence, show, to_json

NAME = "explain"


def command(
    parameter: Annotated[str, typer.Argument(help="Parameter, such as hidden.0.weight.")],
    quantity: Annotated[str, typer.Argument(help="multiplier, init_std, lr, eps or weight_decay.")] = "lr",
    arch: networks.Arch = "mlp",
    layers: networks.Layers = 3,
    activation: networks.Activation = "relu",
    bias: networks.Bias = False,
    loss: networks.Loss = "squared",
    optimizer: networks.Optimizer = "sgd",
    name: networks.Name = None,
    axes: networks.Axes = "width",
    gauge: networks.Gauge = None,
    json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Print why a parameter's exponent is what it is, line by line."""
    with one_sentence():
        network = networks.architecture_of(arch, layers=layers, activation=activation, bias=bias, loss=loss)
        found = networks.parametrization_of(network, optimizer=optimizer, name=name, axes=axes, gauge=gauge)
        proof = found.explain(parameter, quantity)
        record = {"parameter": parameter, "quantity": quantity, "proof": proof.splitlines()}
        show(to_json(record) if json else proof)
