"""What the Hub gives: files of one commit, kept in its cache, which serves them too when nobody answers."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from collectors.storage.files import sha256_of
from curation.hub.problems import HubBusy
from curation.hub.remote import Kind, hub_here

CONFIG, WEIGHTS = "config.json", "generator.safetensors"
_NAME = re.compile(r"(?:hf://)?([\w.-]+/[\w.-]+)(?:@(.+))?")


class ModelBroken(Exception):
    """A model on the Hub that cannot be used: not one of ours, or its weights are not those it names."""

    def __init__(self, repo: str, revision: str, problem: str) -> None:
        super().__init__(f"{repo}@{revision}: {problem}")
        self.repo, self.revision, self.problem = repo, revision, problem


@dataclass(frozen=True)
class Model:
    """A published generator, as it lies in the cache."""

    weights: Path
    sha256: str
    repo: str
    revision: str
    """The commit."""


def snapshot(
    kind: Kind, name: str, revision: str | None, wanted: Sequence[str], say: Callable[[str], None]
) -> tuple[Path, str]:
    """The folder with the wanted files of one commit, and the commit.

    Where nobody answers, an earlier download is taken, and `say` is told. Raises `HubProblem`.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    disable_progress_bars()
    hub = hub_here(kind)
    patterns = list(wanted)
    try:
        hub.head(name)
        with hub.told(name, revision or "main"):
            folder = hub.api.snapshot_download(
                name, repo_type=kind, revision=revision, allow_patterns=patterns
            )
        commit = Path(folder).name
    except HubBusy:
        try:
            folder = snapshot_download(
                name, repo_type=kind, revision=revision, allow_patterns=patterns, local_files_only=True
            )
        except LocalEntryNotFoundError:
            folder = None
        if folder is None:
            raise
        commit = Path(str(folder)).name
        say(f"{hub.endpoint} does not answer; taking {name} as downloaded, at {commit[:12]}")
    return Path(str(folder)), commit


def named(asked: str) -> tuple[str, str | None] | None:
    """`user/model@revision` → repository and revision; `None`: no such name, or a place on this disk."""
    found = _NAME.fullmatch(asked)
    if found is None or (not asked.startswith("hf://") and Path(found[1]).parent.exists()):
        return None
    return found[1], found[2]


def model(name: str, revision: str | None, say: Callable[[str], None] = lambda words: None) -> Model:
    """The weights of a published generator, held against the hash that its config names.

    Raises:
        HubProblem: the Hub does not give it, and no earlier download of it is here.
        ModelBroken: it is not one of ours, or the weights are others.
    """
    folder, commit = snapshot("model", name, revision, (CONFIG, WEIGHTS), say)
    try:
        wanted = str(json.loads((folder / CONFIG).read_bytes())["weights_sha256"])
        sha256 = sha256_of(folder / WEIGHTS)
    except FileNotFoundError as error:
        missing = Path(str(error.filename)).name
        raise ModelBroken(name, commit, f"it holds no {missing}: not published by this tool") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelBroken(name, commit, f"its {CONFIG} is not of our making") from error
    if sha256 != wanted:
        raise ModelBroken(name, commit, f"{WEIGHTS} has SHA-256 {sha256[:9]}…, its config says {wanted[:9]}…")
    return Model(folder / WEIGHTS, sha256, name, commit)
