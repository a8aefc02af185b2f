"""What Flickr says about the rights of a photo: evidence from three answers, and what it amounts to.

`flickr` is the licence number of the photo itself. `licence-table` is what the number means today
(`photos.licenses.getInfo`): numbers were added in 2008, 2016 and 2025. `licence-history` tells every change
with its date (`photos.licenses.getLicenseHistory`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from collectors import licences
from collectors.flickr.api import whole_number
from collectors.rights import Claim, Confidence, Evidence, LicenceClass

FLICKR, TABLE, HISTORY = "flickr", "licence-table", "licence-history"

_LATEST = 4_102_444_800
"""Unix time of the year 2100: no date lies beyond."""


def evidence(answer: Mapping[str, Any], **where: str | None) -> Iterator[Evidence]:
    """Everything in a wrapped answer that bears on rights; at least the number, or that there is none.

    `where` is what all items share: `url`, `at`, `answer_sha256`.
    """
    number = licence_number(answer)
    yield Evidence(channel=FLICKR, field="license", value=number, **where)
    row = answer.get("licence")
    if isinstance(row, Mapping):
        for name in ("url", "name"):
            if isinstance(row.get(name), str) and row[name]:
                yield Evidence(channel=TABLE, field=name, value=row[name][:500], **where)
    for step in steps(answer):
        when = moment(step.get("date_change")) or "at an unknown time"
        old, new = (str(step.get(name) or "") for name in ("old_license", "new_license"))
        words = f"{old} → {new}" if old and new else old or new
        yield Evidence(channel=HISTORY, field="change", value=f"{when}: {words}"[:500], **where)


def claims(answer: Mapping[str, Any]) -> list[Claim]:
    """What the evidence amounts to, channel by channel.

    A number that neither the table of today nor ours explains stands for terms we cannot read. So does one
    that the table of today explains with an address we do not know.
    """
    number = licence_number(answer)
    if not number:
        return []
    said = [_claim(FLICKR, known)] if (known := licences.from_flickr_id(number)) else []
    row = answer.get("licence")
    if isinstance(row, Mapping) and (row.get("url") or row.get("name")):
        meant = named(row.get("url"), row.get("name"))
        said.append(_claim(TABLE, meant) if meant else _unreadable(TABLE))
    elif not known:
        said.append(_unreadable(FLICKR))
    if now := _after_the_last(steps(answer)):
        said.append(_claim(HISTORY, now))
    return _without_freer_grounds(said)


def licence_number(answer: Mapping[str, Any]) -> str:
    """The photo's licence as Flickr numbers it, "" where it says none."""
    photo = answer.get("photo")
    number = whole_number(photo.get("license")) if isinstance(photo, Mapping) else None
    return "" if number is None else str(number)


def steps(answer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The changes of the licence, where they were asked for."""
    told = answer.get("history")
    return [step for step in told if isinstance(step, Mapping)] if isinstance(told, list) else []


def named(url: Any, name: Any) -> str | None:
    """A licence by the address, else by the name Flickr gives it; `None`: not understood."""
    by_url = licences.from_url(url) if isinstance(url, str) else None
    if by_url is None and isinstance(url, str):
        by_url = next((one.id for one in licences.TABLE.values() if one.url and one.url == url), None)
    return by_url or (licences.from_text(name) if isinstance(name, str) and name else None)


def moment(value: Any) -> str | None:
    """Unix seconds → ISO 8601 UTC; `None` for what is no time."""
    seconds = whole_number(value)
    if not seconds or seconds > _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _after_the_last(history: Sequence[Mapping[str, Any]]) -> str | None:
    """The licence that the latest change left; one that never changed is told as an old one without a new."""
    if not history:
        return None
    last = max(history, key=lambda step: whole_number(step.get("date_change")) or 0)
    which = "new" if last.get("new_license") or last.get("new_license_url") else "old"
    return named(last.get(f"{which}_license_url"), last.get(f"{which}_license"))


def _without_freer_grounds(said: Sequence[Claim]) -> list[Claim]:
    """Of several grounds of the public domain only the strictest.

    Elsewhere one ground may refine another; here all channels tell of the one mark a photo carries, and where
    one says "public domain mark" and another "CC0", somebody's word has not become firmer by it.
    """
    free = (LicenceClass.PD, LicenceClass.PD_CLAIM)
    order = {one.expression: licences.strictness(licences.get(one.expression)) for one in said}
    grounds = [one.expression for one in said if licences.get(one.expression).cls in free]
    strictest = max(grounds, key=order.__getitem__, default=None)
    return [one for one in said if one.expression not in grounds or one.expression == strictest]


def _claim(channel: str, expression: str) -> Claim:
    return Claim(expression=expression, confidence=Confidence.STATED, channel=channel)


def _unreadable(channel: str) -> Claim:
    return Claim(expression=licences.UNKNOWN, confidence=Confidence.INFERRED, channel=channel)
