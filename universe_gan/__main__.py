"""`python -m universe_gan`."""

from universe_gan.shell.cli import main

main()
