"""`scalewright profile`: the predicted exponent of every size, update and gradient, good or bad."""

from typing import Annotated

import typer

from scalewright.commands.networks import Network, pairs, with_network
from scalewright.frontdoor import one_sentence, show, to_json

NAME = "profile"


@with_network
def command(
    network: Network,
    lr: Annotated[
        str | None, typer.Option(help="One learning rate for all parameters, as powers: width=-1/2.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Predict what a parametrization does: which layers are lazy, learn features, or are unstable."""
    from scalewright.theory import profile

    with one_sentence():
        rate = None if lr is None else {k: str(v) for k, v in pairs("--lr", lr.split(",")).items()}
        graph = network.architecture()
        # Some parametrizations don't exist under the squared loss, which is what one may want to see.
        start = network.parametrization(graph.with_loss("cross-entropy"))
        found = profile(start, loss=graph.loss.kind, lr=rate, alignment=network.alignment)
        show(to_json(found.to_json()) if json else found.to_markdown())
