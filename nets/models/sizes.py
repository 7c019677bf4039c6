"""What the builders of the models check of their sizes."""


def check_layers(caller: str, layers: int) -> None:
    """Raise ValueError below two weight layers."""
    if layers < 2:
        raise ValueError(f"{caller}: layers counts weight layers and must be at least 2; given {layers!r}")


def check_sizes(caller: str, **sizes: int) -> None:
    """Raise ValueError for a size below 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{caller}: {name} must be at least 1; given {size!r}")
