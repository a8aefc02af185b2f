"""Pages that ask nothing of any network: style and script stand in them, and nothing else is let in."""

import base64
import hashlib
from functools import cache

import jinja2
from markupsafe import Markup

from curation.dataset.card import asks
from curation.markup import plain


@cache
def inline(
    css: str | tuple[str, ...], js: str | None = None, floor: str = "curation", *, served: bool = False
) -> dict[str, Markup | str]:
    """Style and script by the names of their files, and the content security policy that lets them in.

    Every page begins with the style of `page.css`: colours, type, light and dark. `floor`: as `templates`.
    `served`: the page is no file, and may ask the server that it came from.
    """
    sheets = ("page.css", *((css,) if isinstance(css, str) else css))
    style = "\n".join(_source(name, floor) for name in sheets)
    script = _source(js, floor) if js else ""
    return {
        "css": Markup(style),  # noqa: S704  (our own files)
        "js": Markup(script),  # noqa: S704
        "policy_of_page": "; ".join(
            [
                "default-src 'none'",
                "img-src 'self' data:" if served else "img-src data:",
                f"style-src '{_hash(style)}'",
                f"script-src {_quoted_hash(script)}",
                "base-uri 'none'",
                "form-action 'none'",
                *(["connect-src 'self'", "frame-ancestors 'none'"] if served else []),
            ]
        ),
    }


@cache
def templates(floor: str = "curation") -> jinja2.Environment:
    """Whatever a page prints is one line of visible text and escaped as HTML.

    `floor`: the package whose folder `templates` is looked into before our own.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name) for name in (floor, "curation")]),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=lambda value: plain(value) if type(value) is str else "" if value is None else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(asks=asks, number=lambda number: f"{number:,}", size=_size)
    return environment


def _source(name: str, floor: str) -> str:
    environment = templates(floor)
    loader = environment.loader
    assert loader is not None
    return loader.get_source(environment, name)[0]


def _quoted_hash(script: str) -> str:
    return f"'{_hash(script)}'" if script else "'none'"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _size(count: int) -> str:
    """Bytes in the unit that gives a short number: `13.2 GB`."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
