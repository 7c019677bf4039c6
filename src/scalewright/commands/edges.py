"""`scalewright edges`: the largest learning rates that an initialisation bears."""

from typing import Annotated

import typer

from scalewright.commands.networks import Network, with_network
from scalewright.frontdoor import one_sentence, show, to_json

NAME = "edges"


@with_network
def command(
    network: Network,
    proof: Annotated[
        str | None, typer.Option(help="Print the proof of an edge: 'bounded logits' or 'feature learning'.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print step by step what makes layers and logits grow.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Derive the largest rates with bounded logits and with bounded features, for all and layer by layer."""
    from scalewright.theory import edges, mechanism

    with one_sentence():
        network.refuse("ray", "require", "gauge")
        if network.axes not in (None, "width"):
            raise ValueError(f"--axes must be width, on which edges are derived; given {network.axes}")
        if proof is not None and explain:
            raise ValueError("--proof and --explain are two texts; given both: leave one out")
        chosen = (network.architecture(), network.name or "sp", network.optimizer)
        if explain and not json:
            show(mechanism(*chosen, alignment=network.alignment).explain())
            return
        found = edges(*chosen, alignment=network.alignment)
        text = None if proof is None else found.explain(proof)
        if json:
            record = found.to_json() | ({} if text is None else {"proof": text.splitlines()})
            if explain:
                words = mechanism(*chosen, alignment=network.alignment).explain()
                record |= {"derivation": words.splitlines()}
            show(to_json(record))
        else:
            show(found.to_markdown() if text is None else text)
