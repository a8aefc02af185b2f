"""Recipes: the TOML file a user owns, checked at the door with every mistake named at once."""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from collectors.frozen import Frozen
from collectors.plan import CollectSettings, Plan
from collectors.sources import table
from collectors.storage.files import canonical_json
from curation.dataset.synthetic import path_beside as synthetic_beside
from curation.hub.blocked import path_beside
from curation.screening.decisions import path_beside as reviewed_beside
from curation.settings import CurateSettings, PolicySettings, PublishSettings
from universe_gan import __version__
from universe_gan.shell.recipes.sections import (
    SECTIONS,
    apply,
    check_section,
    check_sections,
    leading_out,
    secrets,
    too_deep,
)
from universe_gan.study_settings import ColourSettings, GenerateSettings, StudySettings
from universe_gan.training.settings import TrainSettings
from universe_gan.upscaling.settings import UpscaleSettings

S = TypeVar("S", bound=Frozen)

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")


class RecipeWrong(Exception):
    """A recipe with mistakes, all of them."""

    def __init__(self, path: Path, problems: Sequence[str], own: Sequence[str] | None = None) -> None:
        super().__init__(f"{path}: {'; '.join(problems)}")
        self.path, self.problems = path, tuple(problems)
        self.own = self.problems if own is None else tuple(one for one in problems if one in own)
        """Those of the file; the others came with `--set`."""


class RecipeMissing(Exception):
    """There is no such recipe."""

    def __init__(self, asked: str, known: Sequence[str]) -> None:
        super().__init__(f"no recipe {asked}")
        self.asked, self.known = asked, tuple(known)


@dataclass(frozen=True)
class Recipe:
    """A checked recipe, and where its things lie."""

    name: str
    path: Path
    plan: Plan
    policy: PolicySettings
    curate: CurateSettings
    publish: PublishSettings
    train: TrainSettings
    upscale: UpscaleSettings
    generate: GenerateSettings
    colour: ColourSettings
    study: StudySettings
    data: Path
    """The workspace, `data/NAME/` unless moved."""
    overrides: tuple[str, ...] = ()
    """Settings given beside the file, `section.key=value`."""
    leads_out: tuple[str, ...] = ()
    """Settings that lead out of the recipe's folder, in words: nobody else can make the dataset again."""

    @property
    def manifest(self) -> Path:
        return self.plan.manifest

    @property
    def blocked(self) -> Path:
        """What was taken down, beside the manifest; there is no file before the first takedown."""
        return path_beside(self.plan.manifest)

    def made_with(self, stage: str) -> str:
        """Hash of the settings that the result of a stage depends on besides the manifest."""
        shown = self.publish.model_copy(update={"private": False, "pull_request": "auto"})
        look = (self.policy, self.curate, shown)
        used: dict[str, tuple[Frozen, ...]] = {
            "collect": (self.plan.settings, self.policy),
            "audit": (self.policy,),
            "curate": look,
            "report": look,
        }
        said: list[object] = [settings.model_dump(mode="json") for settings in used[stage]]
        if stage in ("curate", "report") and self.blocked.is_file():
            said.append(hashlib.sha256(self.blocked.read_bytes()).hexdigest())
        if stage in ("curate", "report") and self.reviewed.is_file():
            said.append(hashlib.sha256(self.reviewed.read_bytes()).hexdigest())
        if stage == "curate" and self.synthetic.is_file():
            said.append(hashlib.sha256(self.synthetic.read_bytes()).hexdigest())
        return hashlib.sha256(canonical_json(said)).hexdigest()

    @property
    def reviewed(self) -> Path:
        """What a person decided about doubtful pictures, beside the manifest."""
        return reviewed_beside(self.manifest)

    @property
    def synthetic(self) -> Path:
        """Which generated pictures were accepted, beside the manifest; no file: none."""
        return synthetic_beside(self.manifest)

    @property
    def published(self) -> Path:
        """What was published last and where, beside the manifest; no file: nothing yet."""
        return self.manifest.with_name(f"{self.manifest.stem}.published.json")

    @property
    def title(self) -> str:
        return self.publish.title or self.name


def load(path: Path, overrides: Sequence[str] = (), data: Path | None = None) -> Recipe:
    """Read and check a recipe; `overrides` are `section.key=value`, `data` moves the workspace's parent.

    Raises:
        RecipeMissing: no such file.
        RecipeWrong: with every mistake, each as one line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise RecipeMissing(str(path), shipped()) from None
    except UnicodeDecodeError as error:
        raise RecipeWrong(path, [f"not UTF-8 text: {error.reason} at byte {error.start}"]) from None
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecipeWrong(path, [f"not TOML: {error}"]) from None
    if too_deep(raw):
        raise RecipeWrong(path, ["its tables and lists lie deeper in each other than in any recipe"])
    problems = list(apply(raw, overrides))
    problems += _misnamed(path)
    problems += secrets(raw)
    settings, sources = check_sections(raw, problems)
    if problems:
        raise RecipeWrong(path, problems, _own(path, text) if overrides else None)
    collect = _section(CollectSettings, settings)
    policy, curate = _section(PolicySettings, settings), _section(CurateSettings, settings)
    if collect.min_side is None:
        collect = collect.model_copy(update={"min_side": curate.min_side or curate.size})
    understood = {
        "collect": collect.model_dump(mode="json"),
        "sources": {name: chosen.model_dump(mode="json") for name, chosen in sources},
        "policy": policy.model_dump(mode="json"),
    }
    known = table()
    plan = Plan(
        name=path.stem,
        base=path.parent,
        manifest=path.with_suffix(".jsonl"),
        settings=collect,
        sources=[(known[name], chosen) for name, chosen in sources],
        recipe_sha256=hashlib.sha256(canonical_json(understood)).hexdigest(),
        tool=__version__,
    )
    root = data if data is not None else _home(path) / "data"
    return Recipe(
        name=path.stem,
        path=path,
        plan=plan,
        policy=policy,
        curate=curate,
        publish=_section(PublishSettings, settings),
        train=_section(TrainSettings, settings),
        upscale=_section(UpscaleSettings, settings),
        generate=_section(GenerateSettings, settings),
        colour=_section(ColourSettings, settings),
        study=_section(StudySettings, settings),
        data=root / path.stem,
        overrides=tuple(overrides),
        leads_out=tuple(leading_out(raw)),
    )


def _section(kind: type[S], settings: Mapping[str, Frozen | None]) -> S:
    """The checked section of this kind."""
    [found] = [one for one in settings.values() if isinstance(one, kind)]
    return found


def _misnamed(path: Path) -> list[str]:
    if NAME.match(path.stem):
        return []
    return [f"the file name {path.stem!r} is not letters, digits, '.', '_' and '-'"]


def _own(path: Path, text: str) -> list[str]:
    """The mistakes that a recipe has without any `--set`."""
    raw = tomllib.loads(text)
    problems = [*_misnamed(path), *secrets(raw)]
    check_sections(raw, problems)
    return problems


def train_settings(asked: str, overrides: Sequence[str] = ()) -> TrainSettings:
    """`[train]` of a training without a recipe: defaults, and `train.key=value`. Raises `RecipeWrong`."""
    settings = alone("train", asked, overrides)
    assert isinstance(settings, TrainSettings)
    return settings


def upscale_settings(asked: str, overrides: Sequence[str] = ()) -> UpscaleSettings:
    """`[upscale]` without a recipe: defaults, and `upscale.key=value`. Raises `RecipeWrong`."""
    settings = alone("upscale", asked, overrides)
    assert isinstance(settings, UpscaleSettings)
    return settings


def alone(section: str, asked: str, overrides: Sequence[str]) -> Frozen | None:
    """A section without a recipe: its defaults, and `section.key=value`. Raises `RecipeWrong`."""
    raw: dict[str, Any] = {}
    problems = list(apply(raw, overrides))
    others = [name for name in raw if name != section]
    problems += [f"[{name}] goes with a recipe; only [{section}] is used here" for name in others]
    settings = check_section(SECTIONS[section], raw.get(section, {}), (section,), problems)
    if problems:
        raise RecipeWrong(Path(asked), problems, own=())
    return settings


def find(asked: str) -> Path:
    """The recipe a user means: a path, the bare name of one in `manifests/`, or the folder of just one."""
    path = Path(asked)
    inside = sorted(path.glob("manifests/*.toml"))
    if len(inside) == 1 and not (Path("manifests") / f"{asked}.toml").is_file():
        return inside[0]
    if path.suffix == "" and not path.is_file() and NAME.match(asked):
        path = Path("manifests") / f"{asked}.toml"
    if path.suffix == ".jsonl":
        path = path.with_suffix(".toml")
    return path


def _home(path: Path) -> Path:
    """The folder that holds `manifests/` and `data/` side by side."""
    folder = path.parent
    return folder.parent if folder.resolve().name == "manifests" else folder


def shipped() -> list[str]:
    """Names of the recipes that come with the tool."""
    return sorted(path.stem for path in shelf().glob("*.toml"))


def shelf() -> Path:
    """`manifests/` of a checkout, or its copy inside an installed wheel."""
    package = Path(__file__).parents[2]
    inside = package / "manifests"
    return inside if inside.is_dir() else package.parent / "manifests"
