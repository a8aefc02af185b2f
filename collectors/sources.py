"""The table of sources: the one place that knows them all."""

from collectors import commons, deviantart, flickr, folder, nasa
from collectors.source import Source


def table() -> dict[str, Source]:
    """Every source by the name it has in a recipe (`[collect.NAME]`)."""
    rows = (commons.SOURCE, nasa.SOURCE, flickr.SOURCE, deviantart.SOURCE, folder.SOURCE)
    return {source.name: source for source in rows}
