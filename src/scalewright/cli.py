"""The command line: one module a command, imported here without torch."""

import typer

from scalewright import __version__
from scalewright.commands import (
    claims,
    coordinates,
    derive,
    edges,
    explain,
    portrait,
    predict,
    profile,
    reproduce,
    sharpness,
    sweep,
    verify,
    weingarten,
)

app = typer.Typer(
    help="Derive how networks must be scaled, predict what they do, train real ones, and say whether it "
    "held.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (
    derive,
    explain,
    profile,
    edges,
    portrait,
    predict,
    weingarten,
    verify,
    sharpness,
    coordinates,
    sweep,
    reproduce,
    claims,
):
    app.command(module.NAME)(module.command)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"scalewright {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Derive how networks must be scaled, predict what they do, train real ones, and say whether it held."""


def main() -> None:
    """Run the command line; exit status 0 pass, 1 fail, 2 bad input, 3 undecided, 130 interrupted."""
    app()


if __name__ == "__main__":
    main()
