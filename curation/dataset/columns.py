"""The columns of a published dataset: one table gives their types, order and words."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import pyarrow as pa

from collectors import licences
from collectors.licences import Licence
from collectors.record import Record
from collectors.rights import Evidence
from curation.judged import Judged
from curation.markup import web_address


@dataclass(frozen=True)
class Square:
    """The picture of one row: what was encoded, and its hash."""

    data: bytes
    sha256: str
    suffix: str
    """`png`, `webp` or `jpeg`."""


@dataclass(frozen=True)
class Row:
    """Everything a row is made from."""

    record: Record
    judged: Judged
    square: Square | None
    """`None`: a reference row, which names an image without handing it on."""

    @property
    def licence(self) -> Licence:
        return licences.get(self.record.rights.chosen)


R = TypeVar("R")


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column: its name, its type in the words of `datasets`, what it holds, and where that comes from."""

    name: str
    type: str
    """`image`, `string`, `bool`, `int32`, `int64`, `float64`, or `strings` for a list of them."""
    words: str
    value: Callable[[R], Any]
    """Row → the value; `None` where it is not known."""


def _box(side: int) -> Callable[[Row], int | None]:
    return lambda row: row.judged.box[side] if row.judged.box else None


def _file(field: str) -> Callable[[Row], Any]:
    return lambda row: getattr(row.record.file, field, None)


def _statement(one: Evidence) -> str:
    """One piece of evidence as JSON; what is not known is left out."""
    said = {key: value for key, value in one.model_dump(mode="json").items() if value is not None}
    return json.dumps(said, ensure_ascii=False)


COLUMNS: tuple[Column[Row], ...] = (
    Column(
        "image",
        "image",
        "the square picture",
        lambda row: (
            {"bytes": row.square.data, "path": file_name(row.record.uid, row.square.suffix)}
            if row.square
            else None
        ),
    ),
    Column(
        "uid",
        "string",
        "stable name of the image: source and the source's own id",
        lambda row: row.record.uid,
    ),
    Column("source", "string", "where it was found: `commons`, `nasa`, …", lambda row: row.record.source),
    Column("subject", "string", "what the dataset is about", lambda row: row.record.subject),
    Column(
        "kind",
        "string",
        "does it show something `real` or `fictive`, as the recipe says of its source",
        lambda row: row.record.kind,
    ),
    Column("title", "string", "title at the source", lambda row: row.record.title),
    Column(
        "page",
        "string",
        "page where a person sees it at the source",
        lambda row: web_address(row.record.page),
    ),
    Column("creator", "string", "who made it, as the source says", lambda row: row.record.creator.name),
    Column("creator_url", "string", "the creator's page", lambda row: web_address(row.record.creator.url)),
    Column(
        "credit_line",
        "string",
        "credit ready to print: title, author, source, licence",
        lambda row: row.record.credit_line or None,
    ),
    Column(
        "license",
        "string",
        "the licence relied on: an SPDX id or a `LicenseRef-`",
        lambda row: row.licence.id,
    ),
    Column(
        "license_expression",
        "string",
        "every licence the image is offered under, as an SPDX expression",
        lambda row: row.record.rights.expression,
    ),
    Column(
        "license_class",
        "string",
        "group of licences that ask the same: `pd`, `by`, `sa`, …",
        lambda row: row.record.rights.cls.value,
    ),
    Column("license_url", "string", "address of the licence's text", lambda row: row.licence.url),
    Column("license_name", "string", "name of the licence, to print", lambda row: row.licence.name),
    Column(
        "attribution_required",
        "bool",
        "must the creator be credited?",
        lambda row: row.record.rights.attribution,
    ),
    Column(
        "share_alike",
        "bool",
        "must adaptations carry the same licence?",
        lambda row: row.record.rights.share_alike,
    ),
    Column("commercial_use", "bool", "is commercial use allowed?", lambda row: row.record.rights.commercial),
    Column(
        "derivatives",
        "bool",
        "may adaptations, crops included, be shared?",
        lambda row: row.record.rights.derivatives,
    ),
    Column(
        "rights_confidence",
        "string",
        "how the licence is known: `stated`, `structured`, `policy`, `inferred`",
        lambda row: row.record.rights.confidence.value,
    ),
    Column(
        "rights_conflict",
        "string",
        "both sides where words of the source, or copies, disagree; `license` is then the stricter one",
        lambda row: "; ".join(filter(None, (row.record.rights.conflict, row.judged.conflict))) or None,
    ),
    Column(
        "restrictions",
        "strings",
        "other rights the source warns of: `trademarked`, `personality`, `insignia`",
        lambda row: list(row.record.rights.restrictions),
    ),
    Column(
        "rights_evidence",
        "strings",
        "what the source said about the rights: a JSON object a statement, with its `channel`, `field` and "
        "`value`, the `url` where it can be read, and `at`, when it was asked",
        lambda row: [_statement(one) for one in row.record.evidence],
    ),
    Column(
        "permission",
        "string",
        "the author's written permission the image is here by: its scope, date and proof",
        lambda row: row.record.permission.words if row.record.permission else None,
    ),
    Column(
        "ai_opted_out",
        "bool",
        "did its author or host opt out of use by AI?",
        lambda row: row.record.ai.opted_out,
    ),
    Column("ai_generated", "bool", "was it made by a generator?", lambda row: row.record.ai.generated),
    Column("first_seen", "string", "when the source was first asked", lambda row: row.record.seen.first),
    Column(
        "last_verified",
        "string",
        "when its rights were last found unchanged at the source",
        lambda row: row.record.seen.last_verified,
    ),
    Column(
        "source_url",
        "string",
        "address of the original file",
        lambda row: web_address(row.record.original.url),
    ),
    Column("source_sha256", "string", "SHA-256 of the file that was fetched", _file("sha256")),
    Column(
        "source_width",
        "int32",
        "width of the fetched picture, upright, in pixels",
        lambda row: row.judged.width or _file("width")(row),
    ),
    Column(
        "source_height",
        "int32",
        "height of the fetched picture, upright, in pixels",
        lambda row: row.judged.height or _file("height")(row),
    ),
    Column("source_mime", "string", "type of the fetched file", _file("mime")),
    Column(
        "crop_left",
        "int32",
        "left edge of the square in the upright picture; all four edges may lie outside, where sky was added",
        _box(0),
    ),
    Column("crop_top", "int32", "top edge of the square", _box(1)),
    Column("crop_right", "int32", "right edge of the square, the first column outside", _box(2)),
    Column("crop_bottom", "int32", "bottom edge of the square, the first row outside", _box(3)),
    Column(
        "crop_method",
        "string",
        "how the square was placed: in the `centre`, or around the `subject`",
        lambda row: (row.judged.crop or "centre") if row.judged.box else None,
    ),
    Column(
        "image_sha256",
        "string",
        "SHA-256 of the bytes in `image`",
        lambda row: row.square.sha256 if row.square else None,
    ),
    Column("phash", "string", "256-bit perceptual hash, hexadecimal", lambda row: row.judged.phash),
    Column("taken", "string", "when it was taken, as the source says", lambda row: row.record.original.taken),
    Column(
        "found_by",
        "string",
        "the query or the path of categories that led to it",
        lambda row: " > ".join(row.record.found_by.path or (row.record.found_by.query,)),
    ),
    Column(
        "alternates",
        "strings",
        "uids of its near-duplicates that were left out",
        lambda row: list(row.judged.alternates),
    ),
    Column(
        "same_sky",
        "strings",
        "uids of other photographs of the same place; all stand in the same split",
        lambda row: list(row.judged.same_sky),
    ),
)

_ARROW = {
    "image": pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    "string": pa.string(),
    "bool": pa.bool_(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "strings": pa.list_(pa.string()),
}


WORDS = COLUMNS[1:]
"""The columns of the configuration `metadata`: all but the picture."""


@cache
def schema(columns: tuple[Column[Any], ...] = COLUMNS) -> pa.Schema:
    """The Arrow schema, with the note by which `datasets` knows that `image` holds pictures.

    The note is what `datasets.Features(...).arrow_schema` writes, spelled here so that the bytes of a
    dataset do not depend on the version of that library (a test compares the two). Lists are called by
    their older name, `Sequence`, which every version reads; `List` stops those before 4.0.
    """
    features = {column.name: _feature(column.type) for column in columns}
    note = json.dumps({"info": {"features": features}})
    return pa.schema([(column.name, _ARROW[column.type]) for column in columns], {"huggingface": note})


def _feature(type: str) -> dict[str, Any]:
    if type == "image":
        return {"_type": "Image"}
    if type == "strings":
        return {"feature": _feature("string"), "_type": "Sequence"}
    return {"dtype": type, "_type": "Value"}


def file_name(uid: str, suffix: str) -> str:
    """The name a picture carries inside the dataset: the uid in characters that every file system takes."""
    return f"{quote(uid.replace(':', '-', 1), safe='')}.{suffix}"
