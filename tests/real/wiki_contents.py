"""What the wiki of the tests holds: the sample's nebulae, and one of every kind that makes trouble."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from builders import a_nebula, encoded
from PIL import Image

SAMPLE = Path(__file__).resolve().parents[2] / "universe_gan" / "sample"

CC = "https://creativecommons.org"


def _licence(
    rank: int, short: str, category: str | None, *, url: str = "", key: str = "", terms: str = "", **more: str
) -> dict[str, Any]:
    fields = {
        "LicenseShortName": short,
        "UsageTerms": terms or short,
        "LicenseUrl": url,
        "License": key,
        **more,
    }
    return {"rank": rank, "category": category, "fields": {name: v for name, v in fields.items() if v}}


def _cc(rank: int, code: str, version: str, *, key: bool = True) -> dict[str, Any]:
    name = f"CC {code.upper()} {version}"
    return _licence(
        rank,
        name,
        name.replace(" ", "-"),
        url=f"{CC}/licenses/{code}/{version}",
        key=name.lower().replace(" ", "-") if key else "",
        terms=f"Creative Commons {name[3:]}",
    )


LICENCES: Mapping[str, Mapping[str, Any]] = {
    "PD-USGov-NASA": _licence(0, "Public domain", "PD NASA", key="pd"),
    "PD-Hubble": _licence(0, "Public domain", "PD-Hubble", key="pd"),
    "PD-self": _licence(0, "Public domain", "PD-self", key="pd"),
    "PD": _licence(0, "Public domain", None, key="pd"),
    "cc-zero": _licence(1, "CC0", "CC-Zero", url=f"{CC}/publicdomain/zero/1.0/deed.en", key="cc0"),
    "cc-by-4.0": _cc(2, "by", "4.0"),
    "cc-by-3.0": _cc(3, "by", "3.0"),
    "cc-by-sa-4.0": _cc(4, "by-sa", "4.0"),
    "cc-by-sa-3.0": _cc(5, "by-sa", "3.0"),
    # Commons gives these no `License` key.
    "cc-by-sa-3.0-igo": _licence(
        6, "CC BY-SA 3.0 igo", "CC-BY-SA-3.0-IGO", url=f"{CC}/licenses/by-sa/3.0/igo/"
    ),
    "cc-by-nc-2.0": _cc(7, "by-nc", "2.0", key=False),
    "cc-by-nd-2.0": _cc(7, "by-nd", "2.0", key=False),
    "GFDL": _licence(8, "GFDL", "GFDL", url="http://www.gnu.org/copyleft/fdl.html"),
    "Attribution": _licence(9, "Attribution", "Attribution only license"),
    "FAL": _licence(9, "FAL", "FAL", url="http://artlibre.org/licence/lal/en"),
    "Non-free": _licence(9, "Fair use", None, NonFree="true"),
}
"""Licence templates, and what CommonsMetadata would read from a page with each; the lowest rank wins."""

TEMPLATE_OF = {
    "CC-BY-3.0": "cc-by-3.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-SA-3.0": "cc-by-sa-3.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "CC0-1.0": "cc-zero",
    "LicenseRef-PD-Hubble": "PD-Hubble",
    "Public domain": "PD",
}
"""A licence of the sample's sidecar → the template of a page about that picture."""


@dataclass(frozen=True)
class Upload:
    """One file and the wikitext of its page."""

    name: str
    data: bytes
    text: str


@dataclass(frozen=True)
class Contents:
    """Everything a wiki is filled with. Keys are titles without their namespace."""

    uploads: tuple[Upload, ...]
    templates: Mapping[str, str]
    categories: Mapping[str, str]
    users: Mapping[str, str] = field(default_factory=dict)
    redirects: Mapping[str, str] = field(default_factory=dict)
    """Files that are only a redirect, with their text."""

    def pages(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Namespace and pages, in the order in which they must be written."""
        yield "Template", self.templates
        yield "User", self.users
        yield "Category", self.categories
        yield "File", self.redirects


def page(
    *licences: str,
    categories: tuple[str, ...] = ("Emission nebulae",),
    author: str = "[[User:Ada|Ada Lane]]",
    description: str = "A nebula.",
    **fields: str,
) -> str:
    """The wikitext of a file page as Commons has them."""
    rows = {
        "description": description,
        "date": "2019-03-01",
        "source": "own work",
        "author": author,
        **fields,
    }
    information = "\n".join(f"|{name}={value}" for name, value in rows.items())
    tags = "\n".join(f"{{{{{licence}}}}}" for licence in licences)
    places = "\n".join(f"[[Category:{category}]]" for category in categories)
    return f"== Summary ==\n{{{{Information\n{information}\n}}}}\n== Licensing ==\n{tags}\n\n{places}\n"


@cache
def photo(seed: int, size: tuple[int, int] = (480, 360), format: str = "JPEG", mode: str = "RGB") -> bytes:
    """A made-up nebula, another one for every seed."""
    return encoded(a_nebula(seed, size).convert(mode), format)


def everything() -> Contents:
    """The whole wiki: a tree under `Nebulae`, and beside it `Many files` and `Nothing here`."""
    uploads = (*sample(), *licensed(), *written_by(), *formats(), *named(), *twins(), *many())
    marks = {name: licence["category"] for name, licence in LICENCES.items()}
    templates = {
        name[:1].upper() + name[1:]: f"<includeonly>[[Category:{mark}]]</includeonly>"
        if mark
        else "Public domain"
        for name, mark in marks.items()
    }
    templates |= {
        "Information": "{{{author|}}}: {{{description|}}}",
        "Trademarked": "Trademarked",
        "No metadata": "",
    }
    hidden = {mark: "__HIDDENCAT__" for mark in marks.values() if mark}
    hidden |= {f"Tracking {number}": "__HIDDENCAT__" for number in range(12)}
    return Contents(
        uploads=uploads,
        templates=templates,
        categories=TREE | hidden,
        users={"Ada": "An astronomer."},
        redirects={
            "Old_name_of_Licence_cc-by-4.0.jpg": "#REDIRECT [[File:Licence cc-by-4.0.jpg]]\n"
            "[[Category:Dark nebulae]]",
            "Page without a file.jpg": page("cc-by-4.0", categories=("Dark nebulae",)),
        },
    )


TREE = {
    "Nebulae": "[[Category:Nebulae again]]",
    "Emission nebulae": "[[Category:Nebulae]]",
    "Planetary nebulae": "[[Category:Nebulae]]",
    "Dark nebulae": "[[Category:Nebulae]]",
    # A loop, and a category that holds itself.
    "H II regions": "[[Category:Emission nebulae]]\n[[Category:H II regions]]",
    "Nebulae by telescope": "[[Category:H II regions]]",
    "Nebulae again": "[[Category:Nebulae by telescope]]",
    "Nebula (software)": "[[Category:Nebulae]]",
    "Observatory logos": "[[Category:Nebulae]]",
    "Nebulae & \"quotes\" 'n' Größe": "[[Category:Nebulae]]",
    "Nebulae without pictures": "[[Category:Nebulae]]",
    "Old name of nebulae": "#REDIRECT [[:Category:Nebulae]]",
    "Many files": "More than one batch.",
    "Nothing here": "",
}


def sample() -> list[Upload]:
    """The pictures that ship with the tool, under the licences their sidecar names."""
    if not (SAMPLE / "credits.jsonl").is_file():
        return [Upload(f"Sample {n}.jpg", photo(500 + n), page("cc-by-sa-4.0")) for n in range(12)]
    uploads = []
    for line in (SAMPLE / "credits.jsonl").read_text(encoding="utf-8").splitlines():
        credit = json.loads(line)
        path = SAMPLE / "images" / credit["file"]
        template = TEMPLATE_OF.get(credit.get("licence", ""))
        if template is None or not path.is_file():
            continue
        kind = " ".join(credit.get("categories", ())).lower()
        place = next(
            (c for c in ("Planetary nebulae", "Dark nebulae") if c[:4].lower() in kind), "Emission nebulae"
        )
        uploads.append(
            Upload(
                f"Sample {Path(credit['file']).name}",
                path.read_bytes(),
                page(
                    template,
                    categories=(place,),
                    author=f"[{credit.get('creator_url', credit['page'])} {credit['creator']}]",
                    description=credit.get("description") or credit["title"],
                    source=credit["page"],
                ),
            )
        )
    return uploads


def licensed() -> list[Upload]:
    """One file a licence, and the mixtures."""
    names = [
        ("cc-by-4.0",),
        ("cc-zero",),
        ("PD-USGov-NASA",),
        ("PD-Hubble",),
        ("PD",),
        ("GFDL",),
        ("Attribution",),
    ]
    names += [("FAL",), ("Non-free",), ("cc-by-nc-2.0",), ("cc-by-nd-2.0",), ("cc-by-sa-3.0-igo",)]
    names += [("GFDL", "cc-by-sa-3.0"), ("cc-by-4.0", "trademarked"), ()]
    return [
        Upload(f"Licence {' and '.join(one) or 'none'}.jpg", photo(number), page(*one))
        for number, one in enumerate(names)
    ] + [
        Upload("Licence nothing at all.jpg", photo(90), "{{No metadata}}\n[[Category:Emission nebulae]]"),
        Upload(
            "Licence in the words of its author.jpg",
            photo(91),
            page("cc-by-4.0", attribution="Photo: A. Lane / ESO"),
        ),
    ]


AUTHORS = {
    "link": "[[User:Ada|Ada Lane]]",
    "red link": "[[User:Nobody here|Jane Doe]]",
    "vcard": '<div class="vcard"><span class="fn">[https://www.eso.org/ ESO]</span><br>'
    '<span class="note">born 1962</span></div>',
    "div": '<div class="fn value">\nJona Lendering</div>',
    "several": "* [https://www.nasa.gov/ NASA]\n* [https://esahubble.org/ ESA]\n* Kornmesser",
    "markup": "<b>Bold</b> &amp; ''Brave'' <script>alert(1)</script>",
    "unknown": "Unknown author",
    "nobody": "",
}


def written_by() -> list[Upload]:
    """One file a way of writing an author."""
    return [
        Upload(f"Author {kind}.jpg", photo(100 + number), page("cc-by-sa-4.0", author=author))
        for number, (kind, author) in enumerate(AUTHORS.items())
    ]


def formats() -> list[Upload]:
    """One file a format, whole and broken."""
    here = page("cc-by-4.0", categories=("Planetary nebulae",))
    deep = Image.frombytes("I;16", (320, 320), bytes(range(256)) * 800)
    frames = [a_nebula(seed, (300, 300)) for seed in (1, 2, 3)]
    animated = io.BytesIO()
    frames[0].save(animated, "GIF", save_all=True, append_images=frames[1:], duration=100)
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"><circle r="90"/></svg>'
    data = {
        "png": photo(200, format="PNG"),
        "webp": photo(201, format="WEBP"),
        "gif": animated.getvalue(),
        "tif": encoded(deep, "TIFF"),
        "svg": drawing,
        "pdf": encoded(a_nebula(202, (300, 300)), "PDF"),
    }
    whole = [Upload(f"Format {kind}.{kind}", content, here) for kind, content in data.items()]
    cut = photo(204, (600, 450))
    return [
        *whole,
        Upload("Format cmyk.jpg", photo(203, mode="CMYK"), here),
        Upload("Format truncated.jpg", cut[: len(cut) // 2], here),
        Upload("Format no size.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01" + bytes(64), here),
        Upload("Format tiny.jpg", photo(205, (40, 30)), here),
    ]


def named() -> list[Upload]:
    """Names and places that need care."""
    wanted = ("Emission nebulae", "Planetary nebulae", "H II regions")
    return [
        Upload('Größe & “Weite” d\'Orion, "M 42" (1).jpg', photo(300), page("cc-by-4.0", categories=wanted)),
        Upload("星雲 +100% nebula.jpg", photo(301), page("cc-zero")),
        Upload("Nebula.jpg", photo(302), page("cc-by-4.0", categories=("Nebulae",))),
        Upload("Nebula.JPG", photo(303), page("cc-by-sa-3.0", categories=("Nebulae",))),
        Upload("NEBULA.jpg", photo(304), page("cc-zero", categories=("Nebulae",))),
        Upload("Nebula logo.jpg", photo(305), page("cc-zero", categories=("Nebulae",))),
        Upload("Screenshot.jpg", photo(306), page("cc-zero", categories=("Nebula (software)",))),
        Upload(
            "Of an observatory.jpg",
            photo(307),
            page("cc-zero", categories=("Dark nebulae", "Observatory logos")),
        ),
        Upload("Far away.jpg", photo(308), page("cc-zero", categories=("Nebulae again",))),
        Upload("Quoted.jpg", photo(309), page("cc-zero", categories=("Nebulae & \"quotes\" 'n' Größe",))),
        Upload(
            "Described at length.jpg",
            photo(310),
            page(
                "cc-by-4.0",
                description=f"<table><tr><td>First</td><td>second</td></tr></table>{'Word ' * 500}",
            ),
        ),
    ]


def twins() -> list[Upload]:
    """Byte-identical files that different pages offer on different terms."""
    here = ("Dark nebulae",)
    return [
        Upload("Twin free.jpg", photo(400), page("cc-zero", categories=here)),
        Upload("Twin shared alike.jpg", photo(400), page("cc-by-sa-4.0", categories=here)),
        Upload("Twin silent.jpg", photo(400), page(categories=here)),
        Upload("Same terms one.jpg", photo(401), page("cc-by-4.0", categories=here)),
        Upload("Same terms two.jpg", photo(401), page("cc-by-4.0", categories=here)),
    ]


def many(count: int = 120) -> list[Upload]:
    """More files than a batch, with so many categories that the server must split each batch."""
    tracking = tuple(f"Tracking {number}" for number in range(12))
    return [
        Upload(
            f"Many {number:03}.jpg",
            photo(1000 + number, (96, 72)),
            page("cc-by-sa-4.0", categories=("Many files", *tracking)),
        )
        for number in range(count)
    ]
