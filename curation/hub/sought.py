"""What an audit of a published dataset wants to know of a row, and the columns that others say it in."""

from collections.abc import Mapping, Sequence
from typing import Any

from collectors import licences
from collectors.licences import UNKNOWN, Licence
from collectors.rights import LicenceClass

SOUGHT: Mapping[str, tuple[str, ...]] = {
    "uid": ("uid", "id", "image_id", "photoid", "key"),
    "licence": ("license", "licence", "license_id", "licensename", "license_name", "license_type", "rights"),
    "licence address": ("license_url", "licence_url", "licenseurl", "rights_url"),
    "creator": (
        "creator",
        "author",
        "artist",
        "photographer",
        "ownername",
        "owner_name",
        "unickname",
        "uploader",
        "user_name",
        "by",
    ),
    "credit": ("credit_line", "credit", "attribution"),
    "page": ("page", "pageurl", "page_url", "source_page", "foreign_landing_url", "landing_url"),
    "source": ("source_url", "url", "image_url", "downloadurl", "download_url", "original_url", "source"),
    "evidence": ("rights_evidence", "evidence", "license_evidence"),
    "opt-out": ("ai_opted_out", "opted_out", "opt_out", "noai"),
    "file hash": ("source_sha256", "sha256", "md5", "hash", "sha1"),
}
"""What an audit wants to know of a row, and the columns that hold it in datasets that are known (ours,
CommonCatalog, PD12M, Openverse), in lower case."""


def assign(names: Sequence[str]) -> dict[str, str | None]:
    """Which of the columns says what: what is sought → its column, `None` where there is none."""
    folded = {name.casefold(): name for name in reversed(names)}
    return {
        what: next((folded[name] for name in known if name in folded), None) for what, known in SOUGHT.items()
    }


def licence_of(row: Mapping[str, Any], columns: Mapping[str, str | None]) -> Licence:
    """The licence a row states, by its id or words, else by its address; unknown where none can be read."""
    text = text_of(row, columns["licence"])
    address = text_of(row, columns["licence address"])
    if text and licences.get(text).cls is not LicenceClass.UNKNOWN:
        return licences.get(text)
    read = (licences.from_text(text) or licences.from_url(text)) if text else None
    read = read or (licences.from_url(address) if address else None)
    return licences.get(read or UNKNOWN)


def text_of(row: Mapping[str, Any], column: str | None) -> str:
    """The value of a column as text; empty where there is no such column or value."""
    value = row.get(column) if column else None
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)
