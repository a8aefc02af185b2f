"""May this image be fetched, trained on, published as a crop? A recipe's policy → a verdict with its reason.

Nothing here can be switched off that an author or a host asked for: an opt-out is lifted by the author's own
written permission and by nothing else. Where a source opts its works out by default, silence is an opt-out.
What is not known is never allowed.
"""

from difflib import get_close_matches

from collectors import licences
from collectors.licences import UNKNOWN, Licence
from collectors.permissions import silence_opts_out
from collectors.record import KEEP, Reason, Record, Verdict
from collectors.rights import LicenceClass, Rights
from curation.settings import PolicySettings

PERMITTED = "written permission"
"""How the detail of a verdict begins that rests on the author's letter."""
REFERENCE = "not handed on: a reference row without pixels"
"""The detail of a verdict that keeps an image as a reference only."""
_NEVER_REFERRED = (
    LicenceClass.UNKNOWN,
    UNKNOWN,
    LicenceClass.CLOSED,
    *(id for id, licence in licences.TABLE.items() if licence.cls is LicenceClass.CLOSED),
)
_AS_PIXELS = Verdict(reason=Reason.NOT_NEEDED, detail="it stands in the dataset with its pixels")
_CLASSES = [cls.value for cls in LicenceClass]


def may_fetch(record: Record, settings: PolicySettings) -> Verdict:
    """Whether the original may be downloaded at all.

    The same as `may_publish`, but images without a readable licence are kept under `unknown = "review"`, with
    the detail "for review", and those that may only be referred to are kept as such.
    """
    verdict = may_publish(record, settings)
    if verdict.reason is Reason.NO_LICENCE and settings.unknown == "review":
        return Verdict(detail="for review: no readable licence")
    if (as_reference := may_reference(record, settings)).keep:
        return as_reference
    return verdict


def may_publish(record: Record, settings: PolicySettings) -> Verdict:
    """Whether the image, cropped, may stand in the dataset that `settings.purpose` says is made.

    For `publish` the licence must allow derivatives, because a square crop is one; `train` and `private` hand
    nothing on. For the same purpose somebody must be named where the licence asks for credit. Where channels
    disagree every licence they name must be allowed.
    """
    permitted = _permitted(record, settings)
    if record.ai.opted_out and not permitted:
        signals = ", ".join(record.ai.signals)
        return Verdict(reason=Reason.OPTED_OUT, detail=signals or "opted out of use by AI")
    if record.ai.generated:
        return Verdict(reason=Reason.AI_GENERATED, detail=", ".join(record.ai.signals))
    if permitted:
        assert record.permission
        return Verdict(detail=f"{PERMITTED} of {record.permission.date}")
    verdict = _judge(record.rights, settings)
    if verdict.reason is not Reason.LICENCE_REFUSED and (silence := silence_opts_out(record)):
        return Verdict(reason=Reason.OPTED_OUT, detail=silence)
    if verdict.keep and settings.purpose == "publish" and (missing := missing_credit(record)):
        return Verdict(reason=Reason.NO_CREDIT, detail=missing)
    return verdict


def may_reference(record: Record, settings: PolicySettings) -> Verdict:
    """Whether an image that may not be published is named in the dataset, without pixels.

    Only where the dataset is published, its licence is among `reference` (or `allow`) and lets it be trained
    on. Never for what is closed, unknown or opted out; and not by a written permission, which was given to
    one person and not to those who would fetch the image.
    """
    if settings.purpose != "publish" or not settings.reference:
        return Verdict(reason=Reason.LICENCE_REFUSED, detail="the recipe writes no reference rows")
    published = may_publish(record, settings)
    if published.keep or published.reason not in (Reason.LICENCE_REFUSED, Reason.NO_CREDIT):
        return published if not published.keep else _AS_PIXELS
    training = settings.model_copy(
        update={"purpose": "train", "allow": (*settings.allow, *settings.reference), "reference": ()}
    )
    verdict = may_publish(record.model_copy(update={"permission": None}), training)
    if verdict.keep and relied_on(record.rights).cls is LicenceClass.CLOSED:
        return published
    return Verdict(detail=REFERENCE) if verdict.keep else verdict


def missing_credit(record: Record) -> str | None:
    """What cannot be named though the licence asks for it; `None`: nothing is missing."""
    licence = relied_on(record.rights)
    fields = {"creator": record.creator.name, "credit line": record.credit_line}
    missing = [f"no {words}" for words, value in fields.items() if not (value or "").strip()]
    return f"{licence.name}: {' and '.join(missing)}" if licence.attribution and missing else None


def consequence(rights: Record | Rights, settings: PolicySettings) -> str:
    """What follows for whoever uses the image, in one line: `Name the author. Non-commercial use only.`"""
    if isinstance(rights, Record):
        if _permitted(rights, settings):
            assert rights.permission
            scope, until = " and ".join(rights.permission.scope), rights.permission.until
            return f"By written permission: {scope}{f', until {until}' if until else ''}. Name the author."
        if rights.ai.opted_out or silence_opts_out(rights):
            return "Opted out of use by AI: neither trained on nor published."
        if may_reference(rights, settings).keep:
            return f"{consequence(rights.rights, settings)} Here: {REFERENCE}."
        rights = rights.rights
    licence = relied_on(rights)
    if licence.cls is LicenceClass.UNKNOWN:
        return "No licence is known: fetched for review at most, never published."
    if licence.cls is LicenceClass.CLOSED:
        return "No licence is granted: nothing may be published."
    words = []
    if licence.derivatives is not True:
        private = settings.purpose != "publish"
        words.append(
            "No derivatives: the crop stays private."
            if private
            else "No derivatives: no crop may be published."
        )
    if licence.commercial is not True:
        words.append("Non-commercial use only.")
    if licence.share_alike is not False:
        words.append("Adaptations must carry the same licence.")
    if licence.attribution is not False:
        words.append("Name the author.")
    if licence.cls in (LicenceClass.PD_CLAIM, LicenceClass.NKCR):
        words.append("Nobody vouches that it is free.")
    return " ".join(words) or "Free for any use."


def relied_on(rights: Rights) -> Licence:
    """The licence relied on, or all those of a conflict together.

    Read from the ids, so that a permission written by hand into a manifest is worth nothing.
    """
    option = licences.options(rights.expression)[0]
    relied_on = option if rights.chosen in licences.parts(option) else f"{option} AND {rights.chosen}"
    return licences.get(relied_on)


def check_settings(settings: PolicySettings) -> list[str]:
    """What is wrong with the names in `allow`, `refuse` and `reference`, one line a problem.

    >>> check_settings(PolicySettings(allow=("pb",)))
    ["allow names 'pb', which is neither a licence class nor an id (did you mean pd?)"]
    """
    problems = []
    for field in ("allow", "refuse", "reference"):
        for name in getattr(settings, field):
            if field == "reference" and name in _NEVER_REFERRED:
                problems.append(f"reference names {name!r}: nobody may fetch what no licence is granted for")
                continue
            if field == "allow" and name in (LicenceClass.UNKNOWN, UNKNOWN):
                problems.append(
                    f"allow names {name!r}, which nothing can allow; unknown = 'review' fetches such images"
                )
            elif not _is_name(name):
                problems.append(
                    f"{field} names {name!r}, which is neither a licence class nor an id{_hint(name)}"
                )
    return problems


def _permitted(record: Record, settings: PolicySettings) -> bool:
    """The author said yes in writing to what the dataset is for; publishing a dataset is also training."""
    if record.permission is None:
        return False
    needed = {"train", "publish"} if settings.purpose == "publish" else {"train"}
    return needed <= set(record.permission.scope)


def _judge(rights: Rights, settings: PolicySettings) -> Verdict:
    holds = relied_on(rights)
    if holds.cls is LicenceClass.UNKNOWN:
        nothing = f"{holds.id} is not a licence we know" if holds.id != UNKNOWN else "no readable licence"
        return Verdict(reason=Reason.NO_LICENCE, detail=rights.conflict or nothing)
    for licence in map(licences.get, licences.parts(holds.id)):
        if problem := _refused(licence, settings):
            return Verdict(reason=Reason.LICENCE_REFUSED, detail=problem)
    if settings.purpose == "publish" and holds.derivatives is not True:
        detail = f"{rights.chosen} does not allow a crop to be published"
        return Verdict(reason=Reason.LICENCE_REFUSED, detail=detail)
    return KEEP


def _refused(licence: Licence, settings: PolicySettings) -> str | None:
    names = {licence.id, licence.cls.value}
    if hit := names & set(settings.refuse):
        return f"{licence.id} is refused by [policy] refuse ({min(hit)})"
    if not names & set(settings.allow):
        return f"{licence.id} ({licence.cls.value}) is not in [policy] allow"
    return None


def _is_name(name: str) -> bool:
    return name in (*_CLASSES, UNKNOWN) or (
        " " not in name and licences.get(name).cls is not LicenceClass.UNKNOWN
    )


def _hint(name: str) -> str:
    folded = {known.casefold(): known for known in (*_CLASSES, *licences.TABLE)}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    read = licences.from_text(name)
    suggestion = read or (folded[close[0]] if close else None)
    return f" (did you mean {suggestion}?)" if suggestion else ""
