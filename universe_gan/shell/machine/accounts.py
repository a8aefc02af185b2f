"""Who asks and with which keys: the contact address, the sources' keys, the Hub's token."""

import os
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

from collectors.source import Source
from collectors.sources import table
from collectors.web.polite import valid_contact
from curation.hub.account import Account, account_of
from curation.hub.remote import PUBLIC
from universe_gan.shell.datasets.asking import CONTACT
from universe_gan.shell.machine.finding import Fact, Finding, Level
from universe_gan.shell.recipes.recipe import Recipe

TIMEOUT = 3.0
"""Seconds to wait for the Hub."""


def contact(recipe: Recipe | None) -> Finding:
    """Whether the address is one; the address itself is shown to its owner and kept out of the facts."""
    given = os.environ.get(CONTACT)
    valid = valid_contact(given)
    facts: dict[str, Fact] = {"variable": CONTACT, "set": bool(given), "valid": valid}
    if valid:
        return Finding(name="contact", level="ok", what="a contact for the User-Agent is set", facts=facts)
    what = f"{CONTACT} is {'not set' if not given else 'neither an e-mail address nor a web page'}"
    if recipe is not None and all(source.open_local for source, _ in recipe.plan.sources):
        return Finding(name="contact", level="ok", what=f"{what}; {recipe.name} asks nobody", facts=facts)
    cure = f"export {CONTACT}=you@example.org before `collect`"
    return Finding(name="contact", level="note", what=what, cure=cure, facts=facts)


def keys(recipe: Recipe | None) -> Finding:
    """Which keys of the recipe's sources, or of all, are in the environment; never their values."""
    sources: list[Source] = [one for one, _ in recipe.plan.sources] if recipe else list(table().values())
    wanted = {key: source.name for source in sources for key in source.keys}
    facts = {key: bool(os.environ.get(key)) for key in wanted}
    if not wanted:
        return Finding(name="keys", level="ok", what="no source here needs a key")
    lacking = [key for key, here in facts.items() if not here]
    if not lacking:
        return Finding(name="keys", level="ok", what=f"keys are set: {', '.join(wanted)}", facts=facts)
    names = ", ".join(dict.fromkeys(wanted[key] for key in lacking))
    level: Level = "note" if recipe else "ok"
    cure = f"export {' '.join(f'{key}=…' for key in lacking)} before `collect`" if recipe else ""
    what = f"not set: {', '.join(lacking)}; nothing but {names} needs them"
    return Finding(name="keys", level=level, what=what, cure=cure, facts=facts)


def hub(
    recipe: Recipe | None = None, *, online: bool = False, timeout: float = TIMEOUT
) -> tuple[Finding, datetime | None]:
    """Whether the Hub knows the token and what it may do, and the Hub's time.

    One short question, and none where there is no token unless `online`.
    """
    import requests
    from huggingface_hub import get_token

    endpoint = (os.environ.get("HF_ENDPOINT") or PUBLIC).rstrip("/")
    shown = _without_user(endpoint)
    cure = f"make one with write access at {shown}/settings/tokens; export HF_TOKEN=… before `publish`"
    token = get_token()
    facts: dict[str, Fact] = {"public": endpoint == PUBLIC, "token": bool(token)}

    def found(level: Literal["ok", "note"], what: str, cure: str = "", **more: Fact) -> Finding:
        words = f"Hub {shown}: {what}"
        return Finding(name="hub", level=level, what=words, cure=cure, facts=facts | more)

    if not token and not online:
        return found("note", "no token", cure), None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = requests.get(f"{endpoint}/api/whoami-v2", headers=headers, timeout=timeout)
        told = answer.json() if answer.ok else {}
    except (requests.RequestException, ValueError):
        there = "there is a token; nobody" if token else "no token, and nobody"
        return found("note", f"{there} answers (offline?)", answers=False), None
    date = _date(answer.headers.get("Date"))
    if not token:
        return found("note", "answers; no token", cure, answers=True), date
    if answer.status_code == 401:
        return found("note", "the token is not known there", cure, answers=True, known=False), date
    if not answer.ok or "name" not in told:
        return found("note", f"answers HTTP {answer.status_code}", answers=True), date
    account = account_of(told)
    what = f"{account.name}, token may {account.role}"
    objection = _objection(account, recipe)
    facts |= {"answers": True, "known": True, "role": account.role, "may_write": objection is None}
    if objection:
        return found("note", f"{what}; {objection}", cure), date
    return found("ok", what), date


def _objection(account: Account, recipe: Recipe | None) -> str | None:
    """Why this token cannot publish, the recipe's dataset where it names a repository."""
    if recipe is not None and recipe.publish.repo:
        return account.objection(recipe.publish.repo)
    return "the token may only read" if account.role == "read" else None


def _without_user(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC) if header else None
    except ValueError:
        return None
