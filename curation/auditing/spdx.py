"""The attribution list as an SPDX 2.3 document in JSON, for tools that read bills of materials.

Each image is a package, not a file: SPDX demands the SHA-1 of every file, which not every source tells, while
a package has an origin, an originator, a licence and an attribution text. https://spdx.github.io/spdx-spec/v2.3/
"""

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from collectors import licences
from collectors.licences import UNKNOWN
from collectors.manifest import Header
from collectors.record import Record
from curation.auditing.attribution import Credit, credit_of
from curation.auditing.audited import ImageRow, Take
from curation.markup import plain, web_address
from curation.policy import relied_on

_WHOLE = "SPDXRef-Dataset"
_NOT_AN_ID = re.compile(r"[^A-Za-z0-9.-]+")
_NEVER = "1970-01-01T00:00:00Z"


@contextmanager
def spdx_into(file: IO[bytes], header: Header) -> Iterator[Take]:
    """The document: the dataset, which contains a package for every image that was fetched.

    `licenseConcluded` is what is relied on, `licenseDeclared` all that the source offers. The date of
    creation is that of the newest image, so that the same manifest gives the same bytes. The packages wait in
    a file of their own for what stands before them.
    """
    with SpooledTemporaryFile(max_size=1 << 20) as packages:
        state = _State()

        def take(record: Record, row: ImageRow) -> None:
            if record.file is None:
                return
            state.count += 1
            image = _image(state.count, record, credit_of(record))
            state.expressions |= {image["licenseConcluded"], image["licenseDeclared"]}
            if _is_moment(record.seen.first):
                state.created = max(state.created, record.seen.first)
            packages.write(b",\n" + _inner(image))

        yield take
        head = _spelled(_head(header, state.created)).removesuffix("\n}")
        file.write(f'{head},\n  "packages": [\n'.encode() + _inner(_whole(header)))
        packages.seek(0)
        shutil.copyfileobj(packages, file)
        file.write(b'\n  ],\n  "relationships": [\n')
        file.write(_inner(_relationship("SPDXRef-DOCUMENT", "DESCRIBES", _WHOLE)))
        for number in range(1, state.count + 1):
            file.write(b",\n" + _inner(_relationship(_WHOLE, "CONTAINS", _id(number))))
        own = {"hasExtractedLicensingInfos": list(_own_licences(state.expressions))}
        file.write(f"\n  ],{_spelled(own).removeprefix('{')}\n".encode())


def _spelled(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _inner(value: Any) -> bytes:
    """An element of a list of the document, on a line."""
    return b"    " + json.dumps(value, ensure_ascii=False).encode()


@dataclass
class _State:
    """What all images come to."""

    count: int = 0
    created: str = _NEVER
    expressions: set[str] = field(default_factory=set)


def _head(header: Header, created: str) -> dict[str, Any]:
    name = _NOT_AN_ID.sub("-", header.name)
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"Attribution of {plain(header.name)}",
        "documentNamespace": f"https://spdx.org/spdxdocs/universe-gan-{name}-{header.root_sha256}",
        "creationInfo": {"created": created, "creators": [f"Tool: universe-gan-{plain(header.tool)}"]},
        "documentDescribes": [_WHOLE],
    }


def _whole(header: Header) -> dict[str, Any]:
    return {
        "SPDXID": _WHOLE,
        "name": plain(header.name),
        "versionInfo": header.root_sha256,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "licenseComments": "A collection: each image keeps its own licence.",
        "copyrightText": "NOASSERTION",
    }


def _image(number: int, record: Record, credit: Credit) -> dict[str, Any]:
    assert record.file is not None  # the caller leaves the others out
    package = {
        "SPDXID": _id(number),
        "name": credit.title,
        "versionInfo": record.uid,
        "downloadLocation": web_address(record.original.url) or "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": record.file.sha256}],
        "licenseConcluded": _expression(relied_on(record.rights).id),
        "licenseDeclared": _expression(record.rights.expression),
        "copyrightText": f"As credited: {credit.author}" if credit.author else "NOASSERTION",
        "primaryPackagePurpose": "FILE",
    }
    if credit.author:
        package["originator"] = f"Person: {credit.author.replace('(', '[').replace(')', ']')}"
    if credit.page:
        package["homepage"] = credit.page
    if credit.line:
        package["attributionTexts"] = [credit.line]
    if record.rights.conflict:
        package["licenseComments"] = plain(record.rights.conflict)
    return package


def _id(number: int) -> str:
    return f"SPDXRef-Image-{number}"


def _expression(expression: str) -> str:
    """The expression as it stands if every part of it can be read, else `NOASSERTION`."""
    ids = {id for option in licences.options(expression) for id in licences.parts(option)}
    return UNKNOWN if UNKNOWN in ids else expression


def _own_licences(expressions: Iterable[str]) -> Iterator[dict[str, Any]]:
    """What every `LicenseRef-` of the document stands for."""
    ids = {id for one in expressions for id in re.findall(r"LicenseRef-[A-Za-z0-9.-]+", one)}
    for id in sorted(ids):
        licence = licences.get(id)
        where = f" Its terms, or the grounds of the claim: {licence.url}" if licence.url else ""
        info: dict[str, Any] = {
            "licenseId": id,
            "name": licence.name,
            "extractedText": f"{licence.name}.{where}",
        }
        if licence.url:
            info["seeAlsos"] = [licence.url]
        yield info


def _relationship(one: str, how: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other}


def _is_moment(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text) is not None
