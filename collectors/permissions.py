"""Written permissions: an artist's yes in `permissions.toml`, and what an artist's silence means.

    [[permission]]
    author = "ada-lane"                          # or deviation = "145564099", an address, or a UUID
    scope  = ["train", "publish"]
    date   = 2026-03-01                          # when it was given
    until  = 2028-12-31                          # its last day; leave it out for a yes that does not end
    proof  = "https://example.org/letters/12"    # or "sha256:…" and file = "letters/ada.eml"

The file lifts an opt-out and stands in for a licence, so it is read strictly and every mistake is named.
"""

import datetime
import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from collectors.frozen import Frozen
from collectors.record import Permission, Record

OUT_BY_DEFAULT: Mapping[str, str] = MappingProxyType(
    # https://www.deviantart.com/team/journal/UPDATE-All-Deviations-Are-Opted-Out-of-AI-Datasets-934500371
    {"deviantart": "not stated, and DeviantArt opts works out of use by AI unless the artist says otherwise"}
)
"""Sources where silence is an opt-out, with the words that say so."""

SCOPES: tuple[Literal["train", "publish"], ...] = ("train", "publish")
_KEYS = ("author", "deviation", "scope", "date", "until", "proof", "file")
_AUTHOR = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ADDRESS = re.compile(r"https?://[^\s/?#]+\S*")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NUMBER = re.compile(r"(?:^|[-/])(\d{1,19})/?$")


class PermissionsBroken(Exception):
    """A file of permissions that cannot be relied on, with every mistake in it."""

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        words = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"{path} has mistakes\n{words}")
        self.path, self.problems = path, tuple(problems)


class Granted(Frozen):
    """One permission: whose works or which work, and the yes itself."""

    author: str | None = None
    """The artist's name in lower case; all of their works."""
    deviation: str | None = None
    """The number or the UUID of one work, in lower case."""
    permission: Permission


def silence_opts_out(record: Record) -> str | None:
    """Why an image nobody said anything about counts as opted out of use by AI; `None`: it does not.

    The record itself keeps `opted_out = None`, because that is what is known.
    """
    return OUT_BY_DEFAULT.get(record.source) if record.ai.opted_out is None else None


def lifts_opt_out(record: Record) -> bool:
    """Whether an image that was opted out is wanted because its author permitted it in writing.

    What its host says in the author's name (`X-Robots-Tag: noai`) then does not keep its file away.
    """
    opted_out = record.ai.opted_out or silence_opts_out(record) is not None
    return opted_out and record.permission is not None


def read(path: Path, today: datetime.date) -> list[Granted]:
    """Read and check a whole file of permissions.

    Raises:
        PermissionsBroken: it is not there, not TOML, or entries are wrong, expired or contradict each other.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise PermissionsBroken(path, ["there is no such file"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PermissionsBroken(path, [f"not TOML: {error}"]) from None
    entries = raw.pop("permission", [])
    problems = [f"{key} is not known here; write [[permission]]" for key in raw]
    if not isinstance(entries, list):
        problems.append("permission must be a list of tables: write [[permission]], with two brackets")
        entries = []
    granted: list[Granted] = []
    for number, entry in enumerate(entries, start=1):
        wrong = list(_problems(entry, path.parent, today))
        problems += [f"permission {number}{_whose(entry)}: {problem}" for problem in wrong]
        if not wrong:
            granted.append(_granted(entry))
    problems += _repeated(granted)
    if problems:
        raise PermissionsBroken(path, problems)
    return granted


def find(granted: Iterable[Granted], author: str | None, ids: Iterable[str]) -> Permission | None:
    """The permission for a work by its ids (number, UUID), or else by its author."""
    grants = list(granted)
    names = {id.lower() for id in ids}
    for grant in grants:
        if grant.deviation in names:
            return grant.permission
    for grant in grants:
        if grant.author is not None and author is not None and grant.author == author.lower():
            return grant.permission
    return None


def deviation_id(said: str) -> str | None:
    """The id of a deviation in what a person writes for it: its number, its UUID, or the address of its page.

    >>> deviation_id("https://www.deviantart.com/ada/art/A-red-planet-145564099")
    '145564099'
    """
    text = said.strip()
    if _UUID.fullmatch(text):
        return text.lower()
    if _ADDRESS.fullmatch(text):
        text = re.split(r"[?#]", text, maxsplit=1)[0]
    elif not text.isdecimal():
        return None
    match = _NUMBER.search(text)
    return str(int(match[1])) if match and text.isascii() else None


def _whose(entry: Any) -> str:
    name = (entry.get("author") or entry.get("deviation")) if isinstance(entry, Mapping) else None
    return f" ({name})" if name else ""


def _problems(entry: Any, folder: Path, today: datetime.date) -> Iterator[str]:
    """What is wrong with one entry."""
    if not isinstance(entry, Mapping):
        yield "is not a table"
        return
    for key in entry:
        if key not in _KEYS:
            yield f"{key} is not a setting; known are {', '.join(_KEYS)}"
    yield from _wrong_work(entry)
    yield from _wrong_scope(entry.get("scope"))
    yield from _wrong_dates(entry, today)
    yield from _wrong_proof(entry, folder)


def _wrong_work(entry: Mapping[str, Any]) -> Iterator[str]:
    author, deviation = entry.get("author"), entry.get("deviation")
    if (author is None) == (deviation is None):
        yield "names neither author nor deviation" if author is None else "names an author and a deviation"
    if author is not None and not (isinstance(author, str) and _AUTHOR.fullmatch(author)):
        yield f"author = {author!r} is not the name of an artist"
    if deviation is not None and (isinstance(deviation, bool) or deviation_id(str(deviation)) is None):
        yield f"deviation = {deviation!r} is not a number, a UUID or an address that ends in a number"


def _wrong_scope(scope: Any) -> Iterator[str]:
    if not isinstance(scope, list) or not scope:
        yield 'scope is missing: scope = ["train", "publish"]'
        return
    for word in scope:
        if word not in SCOPES:
            yield f"scope has {word!r}, which is none of {', '.join(SCOPES)}"
    if scope == ["publish"]:
        yield 'scope = ["publish"] alone permits nothing: what is published here is there to be trained on'


def _wrong_dates(entry: Mapping[str, Any], today: datetime.date) -> Iterator[str]:
    date, until = _date(entry.get("date")), _date(entry.get("until"))
    if "date" not in entry:
        yield "date is missing: the day on which the permission was given"
    elif date is None:
        yield f"date = {entry['date']!r} is not a date such as 2026-03-01"
    elif date > today:
        yield f"date = {date} lies in the future"
    if "until" in entry and until is None:
        yield f"until = {entry['until']!r} is not a date such as 2028-12-31"
    elif until is not None and date is not None and until < date:
        yield f"until = {until} lies before date = {date}"
    elif until is not None and until < today:
        yield f"expired: until = {until}"


def _wrong_proof(entry: Mapping[str, Any], folder: Path) -> Iterator[str]:
    proof, file = entry.get("proof"), entry.get("file")
    if not isinstance(proof, str) or not (_ADDRESS.fullmatch(proof) or _HASH.fullmatch(proof)):
        missing = "is missing" if proof is None else f"= {proof!r} is neither"
        yield f"proof {missing}: the address of the permission, or sha256:… of a file that holds it"
        return
    hashed = _HASH.fullmatch(proof)
    if hashed is None and file is not None:
        yield "file goes with proof = sha256:…, not with an address"
    elif hashed and not isinstance(file, str):
        yield "file is missing: the letter whose hash the proof is, beside this file"
    elif hashed and isinstance(file, str):
        path = folder / file
        if not path.resolve().is_relative_to(folder.resolve()):
            yield f"file = {file!r} leads out of the folder"
        elif not path.is_file():
            yield f"file = {file!r} is not there"
        elif (found := hashlib.sha256(path.read_bytes()).hexdigest()) != hashed[1]:
            yield f"file = {file!r} has the hash sha256:{found}, not the one in proof"


def _date(value: Any) -> datetime.date | None:
    """A TOML date, or the same as text; a time of day is dropped."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _granted(entry: Mapping[str, Any]) -> Granted:
    until = _date(entry.get("until"))
    return Granted(
        author=entry["author"].lower() if "author" in entry else None,
        deviation=deviation_id(str(entry["deviation"])) if "deviation" in entry else None,
        permission=Permission(
            scope=tuple(scope for scope in SCOPES if scope in entry["scope"]),
            date=str(_date(entry["date"])),
            proof=entry["proof"],
            until=str(until) if until else None,
        ),
    )


def _repeated(granted: Iterable[Granted]) -> Iterator[str]:
    seen: set[str] = set()
    for grant in granted:
        name = f"deviation {grant.deviation}" if grant.deviation else f"author {grant.author}"
        if name in seen:
            yield f"{name} stands here twice; join the two"
        seen.add(name)
