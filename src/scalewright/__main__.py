"""Run the command line as `python -m scalewright`."""

from scalewright.cli import main

main()
