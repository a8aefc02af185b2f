"""The generated parts of LICENSES.md: dependencies, the licence vocabulary, the credits of the sample.

    python -m universe_gan.shell.notices [--check] [LICENSES.md]

What stands between `<!-- generated: NAME -->` and `<!-- /generated -->` is made anew, the rest is left alone.
"""

import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from collectors import licences
from collectors.conclude import conclude
from collectors.folder import lines, sidecar
from collectors.rights import LicenceClass
from collectors.storage.files import write_whole
from curation.markup import markdown, markdown_link

_PART = re.compile(r"(<!-- generated: (?P<name>[a-z]+) -->\n)(?P<text>.*?)(<!-- /generated -->)", re.DOTALL)

CLASSES: Mapping[LicenceClass, str] = {
    LicenceClass.PD: "in the public domain, or given to it by its author; the id tells the grounds",
    LicenceClass.PD_CLAIM: "said to be free by somebody who may not be its author, or by guidelines",
    LicenceClass.NKCR: "an institution knows of no copyright",
    LicenceClass.BY: "free, with credit",
    LicenceClass.SA: "free, with credit; what is made from it carries the same licence",
    LicenceClass.COPYLEFT: "the same in other families (GFDL, Free Art, GPL)",
    LicenceClass.CUSTOM: "free on terms of its own",
    LicenceClass.NC: "no commercial use",
    LicenceClass.ND: "no changed copies: a crop may not be published",
    LicenceClass.CLOSED: "no licence is granted",
    LicenceClass.UNKNOWN: "nothing is stated, or nothing that can be read: never permissive",
}
"""What each class of licences asks, for people."""


class MarkersMissing(Exception):
    """A LICENSES.md that has no place for a generated part, or for one that nobody makes."""

    def __init__(self, path: Path, missing: Sequence[str], foreign: Sequence[str]) -> None:
        super().__init__(f"{path}: no markers for {list(missing)}, unknown markers {list(foreign)}")
        self.path, self.missing, self.foreign = path, tuple(missing), tuple(foreign)


def main(arguments: Sequence[str]) -> int:
    """Write the generated parts again, or with `--check` say which are out of date: 0 in order, 1 not."""
    check = "--check" in arguments
    names = [argument for argument in arguments if argument != "--check"]
    path = Path(names[0]) if names else Path(__file__).parents[2] / "LICENSES.md"
    if check:
        stale = outdated(path)
        for name in stale:
            sys.stderr.write(f"{path}: the part {name!r} is out of date\n")
        return 1 if stale else 0
    write_whole(path, written(path))
    return 0


def written(path: Path) -> str:
    """The text of LICENSES.md with every generated part made anew.

    Raises:
        MarkersMissing: a part has no place in it, or a place has no part.
    """
    made = _made(path)
    return _PART.sub(lambda part: f"{part[1]}{made[part['name']]}{part[4]}", path.read_text(encoding="utf-8"))


def outdated(path: Path) -> list[str]:
    """The names of the parts that would read differently now. Raises `MarkersMissing`.

    Of the dependencies only the names are compared: how a package words its licence changes with its version.
    """
    made = _made(path)
    parts = {part["name"]: part["text"] for part in _PART.finditer(path.read_text(encoding="utf-8"))}
    return [
        name
        for name, text in parts.items()
        if (text != made[name] if name != "dependencies" else _rows(text) != _rows(made[name]))
    ]


def _made(path: Path) -> dict[str, str]:
    found = [part["name"] for part in _PART.finditer(path.read_text(encoding="utf-8"))]
    missing, foreign = sorted(set(_PARTS) - set(found)), sorted(set(found) - set(_PARTS))
    if missing or foreign:
        raise MarkersMissing(path, missing, foreign)
    return {name: make(path.parent) for name, make in _PARTS.items()}


def _rows(table: str) -> list[str]:
    names = re.findall(r"^\| (?:\[(.+?)\]|(\S+))", table, re.MULTILINE)
    return [linked or bare for linked, bare in names]


def dependencies(root: Path) -> str:
    """A table of the core dependencies that `pyproject.toml` in `root` lists, from their own metadata."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    names = sorted(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in project["project"]["dependencies"])
    return _table(("package", "licence"), (_dependency(name) for name in names))


def _dependency(name: str) -> tuple[str, str]:
    about = metadata.metadata(name)
    return markdown_link(name, _homepage(about)), markdown(_licence(about))


_SPELT = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "2-clause BSD License": "BSD-2-Clause",
    "BSD License": "BSD",
}
"""How packages without an SPDX expression name their licence."""


def _licence(about: metadata.PackageMetadata) -> str:
    """The SPDX expression, else a short licence field, else the classifier."""
    fields = about.json
    stated = str(fields.get("license_expression") or fields.get("license") or "")
    if stated and "\n" not in stated and len(stated) < 80:
        return _SPELT.get(stated, stated)
    classifiers = fields.get("classifier") or []
    named = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License ::")]
    return " AND ".join(_SPELT.get(name, name) for name in named) or "not stated"


def _homepage(about: metadata.PackageMetadata) -> str | None:
    fields = about.json
    labelled = [str(line).partition(", ") for line in fields.get("project_url") or []]
    urls = {label.strip().lower(): url for label, _, url in labelled}
    stated = fields.get("home_page")
    found = (stated, urls.get("homepage"), urls.get("source"), urls.get("repository"), urls.get("code"))
    return next((str(url) for url in found if url), None)


def vocabulary(root: Path) -> str:
    """The classes, and every licence with what it allows."""
    classes = _table(("class", "what it asks"), ((f"`{cls}`", words) for cls, words in CLASSES.items()))
    rows = (
        (
            f"`{licence.id}`",
            markdown_link(licence.name, licence.url),
            licence.cls.value,
            _word(licence.attribution),
            _word(licence.share_alike),
            _word(licence.commercial),
            _word(licence.derivatives),
        )
        for licence in licences.TABLE.values()
    )
    head = (
        "id",
        "licence",
        "class",
        "credit needed",
        "same licence",
        "commercial use",
        "crop may be published",
    )
    return f"{classes}\n{_table(head, rows)}"


def _word(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "not known"}[value]


def sample(root: Path) -> str:
    """Who made each picture of the sample that ships, on what terms, and what was changed."""
    place = root / "universe_gan" / "sample"
    lines = []
    for credit in sorted(sidecar.read(place / "credits.jsonl"), key=lambda credit: credit.file):
        if not (place / "images" / credit.file).is_file():
            continue  # a line about a picture that is not shipped
        lines.append(f"- `{credit.file}`: {_credit(credit)}. {markdown(credit.description)}\n")
    return "".join(lines)


def _credit(credit: sidecar.Credit) -> str:
    """Title, author, source and licence, with links."""
    rights = conclude(lines.claims(credit))
    held = map(licences.get, licences.parts(licences.options(rights.expression)[0]))
    terms = " and ".join(markdown_link(licence.name, licence.url) for licence in held)
    source = markdown_link(_site(credit.page), credit.page)
    maker = f" by {markdown_link(credit.creator, credit.creator_url)}" if credit.creator else ""
    return f"“{markdown(credit.title or credit.file)}”{maker}, via {source}, {terms}"


def _site(page: str | None) -> str:
    host = urlsplit(page).hostname if page else None
    return host.removeprefix("www.") if host else "its author"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rows))
    return "".join(lines)


_PARTS: Mapping[str, Callable[[Path], str]] = {
    "dependencies": dependencies,
    "vocabulary": vocabulary,
    "sample": sample,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
