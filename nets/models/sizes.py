"""What the builders of the models check of their sizes."""


def check_layers(caller: str, layers: int, least: int = 2) -> None:
    """Raise ValueError below the least number of weight layers."""
    if layers < least:
        raise ValueError(
            f"{caller}: layers counts weight layers and must be at least {least}; given {layers!r}"
        )


def check_sizes(caller: str, **sizes: int) -> None:
    """Raise ValueError for a size below 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{caller}: {name} must be at least 1; given {size!r}")
