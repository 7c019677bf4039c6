"""What a model may say of its own initial weights."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class HasGains(Protocol):
    """A model that says by which factor the initial standard deviation of each weight is multiplied."""

    def gains(self) -> dict[str, float]:
        """Return {parameter name: gain}; a parameter left out has gain 1."""
        ...
