"""How a recipe's sources are asked: the one session of a run, and who fetches the files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from collectors.progress import Progress
from collectors.web.crew import Crew
from collectors.web.polite import Manners, Pace
from collectors.web.reach import reach_of
from collectors.web.workers import fetching
from universe_gan.shell.recipes.recipe import Recipe

CONTACT = "UNIVERSE_GAN_CONTACT"


def manners(recipe: Recipe) -> Manners:
    """Who asks, how fast, and where: the recipe's, and the operator's address from the environment."""
    paces: dict[str, Pace] = {}
    for source, settings in recipe.plan.sources:
        paces.update(source.paces(settings))
    return Manners(os.environ.get(CONTACT), paces, reach_of(recipe.plan.addresses))


@contextmanager
def asking(
    recipe: Recipe, progress: Progress, fetchers: int | None
) -> Iterator[tuple[requests.Session, Crew | None]]:
    """A session, and so many workers of the cluster we are connected to; `None`: threads of this process."""
    if fetchers is None:
        yield manners(recipe).session(progress), None
    else:
        with fetching(fetchers, manners(recipe), progress) as together:
            yield together
