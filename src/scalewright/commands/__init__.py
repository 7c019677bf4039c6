"""The commands, one module each: NAME and a function `command` that typer reads."""
