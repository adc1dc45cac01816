"""Runs the command line as `python -m lynx`, which is what torchrun starts."""

from lynx.cli import main

main()
