"""What this machine has for the work, one finding a line, each with its cure."""

from collections.abc import Iterator
from pathlib import Path

from universe_gan.shell.machine import accounts, installed, models, room
from universe_gan.shell.machine.finding import Finding
from universe_gan.shell.recipes.recipe import Recipe

SCHEMA = "universe-gan check 1"
"""Names the shape of `check --json`: raised when a reader of today could misread it."""


def look(recipe: Recipe | None = None, folder: Path = Path(), *, online: bool = False) -> Iterator[Finding]:
    """Look at everything, in the order it is printed.

    With a recipe, disk, memory, keys and the Hub are held against what it needs. Nobody is asked anything but
    the Hub, and that only with a token or where `online` is true: then it also tells the time.
    """
    yield installed.python()
    yield installed.packages()
    yield installed.codecs()
    yield installed.extras()
    yield room.memory(recipe)
    yield room.disk(recipe, folder)
    yield accounts.contact(recipe)
    yield accounts.keys(recipe)
    hub, date = accounts.hub(recipe, online=online)
    yield hub
    yield installed.clock(date)
    yield models.torch_and_device()
    yield models.upscaling()
    yield models.study(folder)
