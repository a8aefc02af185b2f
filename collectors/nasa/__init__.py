"""NASA's image library (images.nasa.gov), or a server that answers like it.

`search`, `again`, `slices` and `library` ask; `items`, `files`, `terms` and `credits` read, offline.
"""

from collectors.nasa.again import look_again, resolve
from collectors.nasa.items import parse
from collectors.nasa.library import NasaRefused, NotNasa
from collectors.nasa.search import search
from collectors.nasa.settings import NasaSettings, paces
from collectors.source import Source

__all__ = ["SOURCE", "NasaRefused", "NasaSettings", "NotNasa", "look_again", "resolve", "search"]

SOURCE = Source(
    name="nasa",
    title="NASA Image and Video Library",
    settings=NasaSettings,
    search=search,
    parse=parse,
    terms="https://www.nasa.gov/nasa-brand-center/images-and-media/",
    paces=paces,
    look_again=look_again,
    resolve=resolve,
)
