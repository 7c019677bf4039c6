"""`scalewright explain`: the proof of one entry of a scaling table."""

from typing import Annotated

import typer

from scalewright.commands.networks import Network, with_network
from scalewright.frontdoor import one_sentence, show, to_json

NAME = "explain"


@with_network
def command(
    network: Network,
    parameter: Annotated[str, typer.Argument(help="Parameter, such as hidden.0.weight.")],
    quantity: Annotated[str, typer.Argument(help="multiplier, init_std, lr, eps or weight_decay.")] = "lr",
    json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Print why a parameter's exponent is what it is, line by line."""
    with one_sentence():
        proof = network.parametrization().explain(parameter, quantity)
        record = {"parameter": parameter, "quantity": quantity, "proof": proof.splitlines()}
        show(to_json(record) if json else proof)
