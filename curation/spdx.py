"""The attribution list as an SPDX 2.3 document in JSON, for tools that read bills of materials.

Each image is a package, not a file: SPDX demands the SHA-1 of every file, which not every source tells, while
a package has an origin, an originator, a licence and an attribution text. https://spdx.github.io/spdx-spec/v2.3/
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from collectors import licences
from collectors.licences import UNKNOWN
from collectors.manifest import Manifest
from collectors.record import Record
from curation.attribution import Credit, credits
from curation.markup import plain, web_address
from curation.policy import relied_on

_WHOLE = "SPDXRef-Dataset"
_NOT_AN_ID = re.compile(r"[^A-Za-z0-9.-]+")
_NEVER = "1970-01-01T00:00:00Z"


def to_spdx(manifest: Manifest) -> str:
    """The document: the dataset, which contains a package for every image that was fetched.

    `licenseConcluded` is what is relied on, `licenseDeclared` all that the source offers. The date of
    creation is that of the newest image, so that the same manifest gives the same bytes.
    """
    header = manifest.header
    fetched = [record for record in manifest.records if record.file is not None]
    images = [
        _image(number, record, credit)
        for number, (record, credit) in enumerate(zip(fetched, credits(fetched), strict=True), start=1)
    ]
    created = max((record.seen.first for record in fetched if _is_moment(record.seen.first)), default=_NEVER)
    name = _NOT_AN_ID.sub("-", header.name)
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"Attribution of {plain(header.name)}",
        "documentNamespace": f"https://spdx.org/spdxdocs/universe-gan-{name}-{header.root_sha256}",
        "creationInfo": {"created": created, "creators": [f"Tool: universe-gan-{plain(header.tool)}"]},
        "documentDescribes": [_WHOLE],
        "packages": [_whole(manifest), *images],
        "relationships": [_relationship("SPDXRef-DOCUMENT", "DESCRIBES", _WHOLE)]
        + [_relationship(_WHOLE, "CONTAINS", image["SPDXID"]) for image in images],
        "hasExtractedLicensingInfos": list(_own_licences(images)),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _whole(manifest: Manifest) -> dict[str, Any]:
    return {
        "SPDXID": _WHOLE,
        "name": plain(manifest.header.name),
        "versionInfo": manifest.header.root_sha256,
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
        "SPDXID": f"SPDXRef-Image-{number}",
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


def _expression(expression: str) -> str:
    """The expression as it stands if every part of it can be read, else `NOASSERTION`."""
    ids = {id for option in licences.options(expression) for id in licences.parts(option)}
    return UNKNOWN if UNKNOWN in ids else expression


def _own_licences(images: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What every `LicenseRef-` of the document stands for."""
    said = {image[field] for image in images for field in ("licenseConcluded", "licenseDeclared")}
    ids = {id for one in said for id in re.findall(r"LicenseRef-[A-Za-z0-9.-]+", one)}
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
