"""`python -m universe_gan`."""

from universe_gan.cli import main

main()
