"""The sidecar of a folder: who made each picture and on what terms, as JSON lines or as a CSV table.

Nobody but its owner can say what may be done with a folder of pictures, so this file is read strictly: a
misspelt field or a name that leads out of the folder is a mistake with its line, never a silent "not known".
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from collectors.folder import sidecar_csv
from collectors.frozen import Frozen

_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_ADDRESS = re.compile(r"https?://[^\s/?#]+\S*")
SHOWN = 20
"""Mistakes that a message lists; `SidecarBroken.mistakes` holds them all."""
_KINDS = {"bool_type": "true or false", "string_type": "a text", "tuple_type": "a list"}


class SidecarBroken(Exception):
    """A sidecar that cannot be trusted: the first mistake, and all of them.

    `line` is `None` where the file as a whole is the problem.
    """

    def __init__(
        self, path: Path, line: int | None, problem: str, mistakes: Sequence[tuple[int | None, str]] = ()
    ) -> None:
        self.path, self.line, self.problem = path, line, problem
        self.mistakes = tuple(mistakes) or ((line, problem),)
        super().__init__(self._words())

    def _words(self) -> str:
        if len(self.mistakes) == 1:
            where = f"{self.path}, line {self.line}" if self.line else f"{self.path}"
            return f"{where}: {self.problem}"
        shown = [f"  line {number}: {what}" for number, what in self.mistakes[:SHOWN]]
        if len(self.mistakes) > SHOWN:
            shown.append(f"  … and {len(self.mistakes) - SHOWN} more")
        return "\n".join([f"{self.path} has {len(self.mistakes)} mistakes", *shown])


def _inside(file: str) -> str:
    parts = PurePosixPath(file).parts
    if "\\" in file or "\0" in file:
        raise ValueError("is not a path with forward slashes")
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0]:
        raise ValueError("leads out of the folder")
    return str(PurePosixPath(file))


def _address(url: str) -> str:
    if not _ADDRESS.fullmatch(url):
        raise ValueError("is not an http or https address")
    return url


def _date(text: str) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError("is not a date such as 2011, 2011-03 or 2011-03-17")
    return text


Text = Annotated[str, Field(min_length=1)]
Address = Annotated[str, AfterValidator(_address)]


class Credit(Frozen):
    """One line or row: everything its owner knows about one picture. `None`: not known."""

    file: Annotated[Text, AfterValidator(_inside)]
    """Path relative to the folder, with forward slashes."""
    title: Text | None = None
    page: Address | None = None
    """Where a person sees the picture at its source."""
    creator: Text | None = None
    creator_url: Address | None = None
    licence: Text | None = None
    """An id (`CC-BY-4.0`) or the words of the source (`CC BY-SA 3.0`, `Public domain`)."""
    licence_url: Address | None = None
    how_known: Text | None = None
    """Who says so, and where; without it the licence counts as inferred."""
    taken: Annotated[str, AfterValidator(_date)] | None = None
    description: str = ""
    categories: tuple[Text, ...] = ()
    derived_from: Annotated[Text, AfterValidator(_inside)] | None = None
    """The picture of the same sidecar that this one was made from; `description` says what was changed."""
    ai_opted_out: bool | None = None
    ai_generated: bool | None = None


def read(path: Path) -> list[Credit]:
    """Read and check the whole sidecar, a table where its name ends in `.csv`; blank lines are skipped.

    Raises:
        SidecarBroken: it is not there, or lines are wrong; every mistake is named, with its line.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise SidecarBroken(path, None, "there is no such file") from None
    credits: dict[int, Credit] = {}
    mistakes: list[tuple[int | None, str]] = []
    parse = _csv if path.suffix.lower() == ".csv" else _json_lines
    for number, problems, credit in parse(content):
        mistakes.extend((number, problem) for problem in problems)
        if credit is not None:
            credits[number] = credit
    mistakes.extend(_contradictions(credits))
    if mistakes:
        mistakes.sort(key=lambda mistake: mistake[0] or 0)
        raise SidecarBroken(path, *mistakes[0], mistakes)
    return list(credits.values())


def usable(values: Mapping[str, object]) -> Credit:
    """A credit of what somebody else wrote: values that no sidecar may hold are left out, as not known.

    Raises `pydantic.ValidationError` where the name of the file itself cannot be kept.
    """
    said = {name: value for name, value in values.items() if value not in (None, "", ())}
    while True:
        try:
            return Credit.model_validate(said, strict=True)
        except ValidationError as error:
            wrong = {str(problem["loc"][0]) for problem in error.errors()}
            if "file" in wrong:
                raise
            said = {name: value for name, value in said.items() if name not in wrong}


def same_name(file: str) -> str:
    """The form in which two spellings of one file name are equal (macOS decomposes accents)."""
    return unicodedata.normalize("NFC", file)


def _json_lines(content: bytes) -> Iterator[tuple[int, list[str], Credit | None]]:
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        if line.strip():
            yield number, *_parse(line)


def _csv(content: bytes) -> Iterator[tuple[int, list[str], Credit | None]]:
    for number, row in sidecar_csv.rows(content, Credit.model_fields):
        if isinstance(row, str):
            yield number, [row], None
            continue
        try:
            yield number, [], Credit.model_validate(row, strict=True)
        except ValidationError as error:
            yield number, [_words(problem) for problem in error.errors()], None


def _parse(line: bytes) -> tuple[list[str], Credit | None]:
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in items]
        twice.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(items)

    try:
        value = json.loads(line, object_pairs_hook=pairs)
    except ValueError as error:
        return [f"not JSON: {error}"], None
    except RecursionError:
        return ["not JSON that we read: nested too deeply"], None
    if not isinstance(value, dict):
        return ["not a JSON object"], None
    if twice:
        return [f"{name} stands there twice" for name in twice], None
    try:
        return [], Credit.model_validate_json(line, strict=True)
    except ValidationError as error:
        return [_words(problem) for problem in error.errors()], None


def _words(problem: Any) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else ""
    match problem["type"]:
        case "missing":
            return f"{name} is missing"
        case "extra_forbidden":
            return sidecar_csv.not_a_field(name, Credit.model_fields)
        case "value_error":
            return f"{name} = {problem['input']!r} {problem['ctx']['error']}"
        case "string_too_short":
            return f"{name} is empty (leave it out where it is not known)"
        case kind:
            wanted = _KINDS.get(kind) or problem["msg"].removeprefix("Input should be ")
            return f"{name} = {problem['input']!r} is not {wanted}"


def _contradictions(credits: dict[int, Credit]) -> Iterator[tuple[int, str]]:
    """Mistakes that only the lines together show."""
    first: dict[str, int] = {}
    for number, credit in credits.items():
        earlier = first.setdefault(same_name(credit.file), number)
        if earlier != number:
            yield number, f"file = {credit.file!r} stands in line {earlier} already"
    for number, credit in credits.items():
        if credit.derived_from is None:
            continue
        if same_name(credit.derived_from) == same_name(credit.file):
            yield number, "derived_from names the file itself"
        elif same_name(credit.derived_from) not in first:
            yield number, f"derived_from = {credit.derived_from!r} is not a file of this sidecar"
