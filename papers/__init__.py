"""The published claims: experiments, verdicts and figures, one folder a paper."""

from typing import TYPE_CHECKING, Any

if __name__ != "scalewright.papers":
    raise ImportError("this folder is a room of the scalewright package: import it as scalewright.papers")

if TYPE_CHECKING:
    from scalewright.papers.claim import Claim, Finding
    from scalewright.papers.reproduction import Reproduction, claims, reproduce

__all__ = ["Claim", "Finding", "Reproduction", "claims", "reproduce"]

_HOMES = {
    "Claim": "claim",
    "Finding": "claim",
    "Reproduction": "reproduction",
    "claims": "reproduction",
    "reproduce": "reproduction",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"scalewright.papers.{_HOMES[name]}"), name)
