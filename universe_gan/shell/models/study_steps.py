"""The steps of a study: each calls what its own command calls, and says by what it is known to be done."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from collectors.progress import Stage
from collectors.storage.workspace import Workspace
from universe_gan.shell.datasets import building, stages
from universe_gan.shell.datasets.built import StageStale, built_by, read_built
from universe_gan.shell.exits import Exit
from universe_gan.shell.models import courses, training
from universe_gan.shell.output import Output
from universe_gan.shell.pictures import comparing, generating, upscaling
from universe_gan.shell.recipes.recipe import Recipe
from universe_gan.study import Ledger, Step, clear_folder, of_file, of_folder

PAGE = "compare.html"
TOY_WORDS = "a toy: it shows that all works, and nothing of what the models can do"


@dataclass(frozen=True)
class Study:
    """A recipe, the sizes it is done in, and where everything goes."""

    built_by: Recipe
    """With the overrides that touch the dataset only: those of training must not change its card."""
    sized: Recipe
    """With all overrides."""
    folder: Path
    runs: Path
    device: str | None
    toy: bool

    @property
    def name(self) -> str:
        """Of its runs: a toy's do not pass for the recipe's own."""
        return f"{self.sized.name}-toy" if self.toy else self.sized.name


class Inner(Output):
    """What a step says goes into the log, and aloud with `--verbose`; its result is kept for the study.

    A toy's notes too, which would say over and over that it is small.
    """

    def __init__(self, outer: Output, *, toy: bool) -> None:
        aloud = outer.verbose and not outer.as_json
        super().__init__(json=not aloud, quiet=outer.quiet or not aloud, verbose=outer.verbose)
        self._outer, self._toy = outer, toy
        self.told: Mapping[str, Any] = {}

    def result(self, value: Mapping[str, Any]) -> None:
        self.told = value

    def note(self, text: str) -> None:
        if self._toy:
            self.say(text)
        else:
            self._outer.note(text)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        with self._outer.stage(name, total) as stage:
            yield stage


def steps(output: Output, wanted: Study, ledger: Ledger) -> list[Step]:
    """The steps in order: build, train each, then draw, colour and enlarge each, then compare."""
    models = wanted.sized.study.models
    found = [_build(output, wanted)]
    found += [_train(output, wanted, ledger, model) for model in models]
    for model in models:
        found += [
            _generate(output, wanted, ledger, model),
            _colour(output, wanted, ledger, model),
            _upscale(output, wanted, model),
        ]
    return [*found, _compare(output, wanted, ledger, tuple(step.name for step in found[1:]))]


def _inner(output: Output, wanted: Study, do: Callable[[Output], Exit]) -> tuple[int, Mapping[str, Any]]:
    inner = Inner(output, toy=wanted.toy)
    inner.keep_log(wanted.folder / "log.txt")
    return do(inner), inner.told


def _build(output: Output, wanted: Study) -> Step:
    loaded = wanted.built_by

    def made() -> str | None:
        try:
            return read_built(loaded, Workspace(loaded.data)).root_sha256
        except (stages.StageMissing, StageStale):
            return None

    def do() -> tuple[int, Mapping[str, Any]]:
        if made() is None:
            code, _ = _inner(output, wanted, lambda inner: building.build(inner, loaded))
            if code:
                return code, {}
        built = built_by(loaded)
        return 0, {"folder": str(built.path), "rows": built.rows}

    return Step("build", (), loaded.made_with("curate"), made, do)


def _train(output: Output, wanted: Study, ledger: Ledger, model: str) -> Step:
    name = f"train {model}"
    settings = wanted.sized.train.model_copy(update={"model": model})
    source = str(Workspace(wanted.built_by.data).dataset)
    course = courses.Course(wanted.name, source, settings, str(wanted.sized.path))
    train = partial(
        training.train, wanted=course, runs=wanted.runs, device=wanted.device, new=False, dry_run=False
    )
    return Step(
        name,
        ("build",),
        settings.model_dump(mode="json", exclude={"trackers", "compile"}),
        lambda: of_file(_checkpoint(ledger, model)),
        lambda: _inner(output, wanted, train),
    )


def _run(ledger: Ledger, model: str) -> Path:
    return Path(ledger.told(f"train {model}").get("run", "no run yet"))


def _checkpoint(ledger: Ledger, model: str) -> Path:
    """What `generate` draws from: the best, else the latest."""
    best = _run(ledger, model) / "best.safetensors"
    return best if best.is_file() else best.with_name("latest.safetensors")


def _generate(output: Output, wanted: Study, ledger: Ledger, model: str) -> Step:
    folder, drawn = wanted.folder / "generated" / model, wanted.sized.generate

    def do(inner: Output) -> Exit:
        return generating.generate(
            inner,
            str(_run(ledger, model)),
            drawn,
            to=folder,
            sheet=True,
            film=None,
            frames=1,
            fps=1,
            runs=wanted.runs,
            device=wanted.device,
        )

    return Step(
        f"generate {model}",
        (f"train {model}",),
        drawn.model_dump(mode="json"),
        lambda: of_folder(folder),
        lambda: _inner(output, wanted, do),
        lambda: clear_folder(folder),
    )


def _colour(output: Output, wanted: Study, ledger: Ledger, model: str) -> Step:
    source, folder = wanted.folder / "generated" / model, wanted.folder / "coloured" / model
    how = wanted.sized.colour

    def do(inner: Output) -> Exit:
        from universe_gan.shell.pictures import colouring

        return colouring.colour(
            inner,
            str(source),
            how,
            like=str(_run(ledger, model)),
            to=folder,
            runs=wanted.runs,
            data=wanted.built_by.data.parent,
        )

    return Step(
        f"colour {model}",
        (f"generate {model}",),
        how.model_dump(mode="json"),
        lambda: of_folder(folder),
        lambda: _inner(output, wanted, do),
        lambda: clear_folder(folder),
    )


def _upscale(output: Output, wanted: Study, model: str) -> Step:
    source, folder = wanted.folder / "coloured" / model, wanted.folder / "upscaled" / model
    most, settings = wanted.sized.study.enlarge, wanted.sized.upscale

    def do(inner: Output) -> Exit:
        from universe_gan import pictures

        first = tuple(source / line["file"] for line in pictures.lines(source))[:most]
        what = upscaling.Wanted("", first)
        return upscaling.upscale(inner, what, settings, to=folder, device=wanted.device, dry_run=False)

    return Step(
        f"upscale {model}",
        (f"colour {model}",),
        [settings.model_dump(mode="json", exclude={"tune"}), most],
        lambda: of_folder(folder),
        lambda: _inner(output, wanted, do),
        lambda: clear_folder(folder),
    )


def _compare(output: Output, wanted: Study, ledger: Ledger, after: tuple[str, ...]) -> Step:
    page = wanted.folder / PAGE

    def do() -> tuple[int, Mapping[str, Any]]:
        code, told = _inner(output, wanted, compare)
        return code, {key: told[key] for key in ("page", "json") if key in told}

    def compare(inner: Output) -> Exit:
        return comparing.compare(
            inner,
            [str(_run(ledger, model)) for model in wanted.sized.study.models],
            folders=(),
            to=page,
            look=[wanted.folder],
            seeds=wanted.sized.generate.seeds,
            pictures=None,
            extractor=None,
            checkpoint="best",
            runs=wanted.runs,
            device=wanted.device,
            remarks=[f"This is {TOY_WORDS}."] if wanted.toy else [],
        )

    return Step("compare", after, {"toy": wanted.toy}, lambda: of_file(page), do)
