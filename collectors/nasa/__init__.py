"""NASA's image library (images.nasa.gov), or a server that answers like it.

`search`, `slices` and `library` ask; `items`, `files`, `terms` and `credits` read what came, offline.
"""

from collectors.nasa.library import NasaRefused, NotNasa
from collectors.nasa.search import SOURCE, NasaSettings, look_again, resolve, search

__all__ = ["SOURCE", "NasaRefused", "NasaSettings", "NotNasa", "look_again", "resolve", "search"]
