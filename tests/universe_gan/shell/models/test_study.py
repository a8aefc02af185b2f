"""`universe-gan study` on the sample as a small toy: left anywhere it goes on, and does nothing twice."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from links import broken

from collectors.storage.files import canonical_json
from universe_gan import study as studies
from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit
from universe_gan.study import Ledger, Step, carry_out, plan

SMALL = (
    "train.size=32",
    "train.kimg=0.016",
    "train.batch=4",
    "train.breadth=0.015625",
    "train.latent=8",
    "train.attention=[]",
    "train.log_kimg=0.008",
    "train.save_kimg=0.008",
    "train.extractor=plain",
    "generate.seeds=0-3",
    "upscale.weights=net.pth",
    "study.enlarge=2",
)
MODELS = ("lightweight", "stylegan2")
NAMES = [
    "build",
    "train lightweight",
    "train stylegan2",
    *(
        f"{kind} {model}"
        for model in ("lightweight", "stylegan2")
        for kind in ("generate", "colour", "upscale")
    ),
    "compare",
]


def study(*words: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, JSON and talk."""
    out, err = io.StringIO(), io.StringIO()
    sets = [part for one in SMALL for part in ("--set", one)]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["study", "sample", "--toy", "--device", "cpu", "--json", *sets, *words])
    return code, json.loads(out.getvalue()) if out.getvalue() else {}, err.getvalue()


def files(root: Path) -> dict[str, bytes]:
    kept = (path for path in root.rglob("*") if path.is_file() and path.suffix in (".png", ".jsonl", ".html"))
    return {str(path.relative_to(root)): path.read_bytes() for path in kept}


@pytest.fixture
def place(home: Path) -> Path:
    """A finished demo with small weights for the upscaler."""
    for package in ("torch", "pyvips", "skimage"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    from small_nets import written

    written(home / "net.pth")
    return home


def test_a_study_left_in_the_midst_of_every_step_ends_like_one_that_was_not(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, told, _ = study("-n")
    assert (code, set(told["steps"].values()), sorted(told["steps"])) == (Exit.DONE, {"to do"}, sorted(NAMES))
    assert not (place / "studies").exists()
    code, told, err = study()
    assert (code, told["toy"], sorted(told["steps"])) == (Exit.DONE, True, sorted(NAMES)), err
    page = (place / "studies/sample-toy/compare.html").read_text()
    assert "This is a toy" in page
    assert len(list((place / "runs").glob("0*-sample-toy"))) == 2
    whole = files(place / "studies")
    assert {f"sample-toy/upscaled/{model}/seed-000001.png" for model in ("lightweight", "stylegan2")} <= set(
        whole
    )
    assert not any("upscaled" in name and "seed-000002" in name for name in whole)
    assert study("-n")[1]["steps"] == dict.fromkeys(NAMES, "done")

    # nothing is done twice
    trained = {path: path.stat().st_mtime_ns for path in place.glob("runs/0*/latest.safetensors")}
    before = (place / "studies/sample-toy/study.json").read_bytes()
    assert study()[0] == Exit.DONE
    assert (place / "studies/sample-toy/study.json").read_bytes() == before

    # killed inside `colour`: a picture is missing, and the note of its end
    (place / "studies/sample-toy/coloured/stylegan2/seed-000002.png").unlink()
    states = study("-n")[1]["steps"]
    assert states["colour stylegan2"] == "begun"
    assert states["upscale lightweight"] == "done"
    assert study()[0] == Exit.DONE
    assert files(place / "studies") == whole
    assert {path: path.stat().st_mtime_ns for path in trained} == trained

    # other seeds: drawn anew with all that follows, and nobody trains again
    assert study("--set", "generate.seeds=1-2")[0] == Exit.DONE
    assert {path: path.stat().st_mtime_ns for path in trained} == trained
    drawn = {path.name for path in (place / "studies/sample-toy/generated/stylegan2").glob("seed-*.png")}
    assert drawn == {"seed-000001.png", "seed-000002.png"}
    assert {path.name for path in (place / "studies/sample-toy/upscaled/stylegan2").glob("*.png")} == drawn


def test_the_demo_goes_on_to_the_page_of_a_toy_study(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from universe_gan.shell.models import studying

    monkeypatch.setattr(studying, "TOY", (*SMALL, 'study.models=["lightweight"]'))
    assert run(["demo", "--to", str(place), "--json"]) == Exit.DONE
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["curate"]["kept"] == 32
    page = Path(told["study"]["steps"]["compare"]["page"])
    assert broken([page, Path(told["report"])]) == []
    assert f"open {place / 'studies/sample-toy/compare.html'}" in said.err
    assert "toy" in said.err


def test_an_interrupted_step_ends_the_study_with_130_and_the_same_command_goes_on(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from universe_gan.shell.pictures import generating

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(generating, "generate", interrupted)
        assert study("--models", "lightweight")[0] == Exit.INTERRUPTED
    states = study("--models", "lightweight", "-n")[1]["steps"]
    assert (states["train lightweight"], states["generate lightweight"]) == ("done", "begun")
    assert "train stylegan2" not in states


def test_what_is_not_installed_is_named_before_anything_is_done(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from universe_gan.shell.models import studying

    monkeypatch.setattr(studying, "NEEDED", {"no_such_module": "no-such-package", "json": "json"})
    assert run(["study", "sample"]) == Exit.INPUT
    assert "no-such-package" in (said := capsys.readouterr().err)
    assert "universe-gan[train,colour,upscale]" in said
    assert not (home / "studies").exists()
    assert run(["study", "sample", "-n"]) == Exit.DONE
    assert run(["demo", "--to", str(home)]) == Exit.DONE
    assert "no model is trained, no-such-package" in capsys.readouterr().err


def test_a_mistake_in_the_sections_of_the_study_is_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["study", "sample", "-n", "--models", "lightweight,dall-e", "--set", "generate.seeds=a-b"]
    assert run(asked) == Exit.INPUT
    said = capsys.readouterr().err
    assert "study" in said
    assert "dall-e" in said or "models" in said
    assert "seeds" in said


def toy_step(
    name: str, place: Path, after: tuple[str, ...] = (), words: str = "", fails: bool = False
) -> Step:
    def do() -> tuple[int, dict[str, Any]]:
        (place / name).write_text(words or name)
        return (6 if fails else 0), {"folder": name}

    return Step(name, after, words, lambda: studies.of_file(place / name), do)


def carried(place: Path, steps: list[Step]) -> list[str]:
    made: dict[str, str | None] = {}
    clock: Callable[[], float] = iter(range(99)).__next__
    return [carry_out(step, Ledger(place, False), made, clock)[0] for step in steps]


def test_only_what_changed_and_what_follows_from_it_is_done_again(tmp_path: Path) -> None:
    a, b, c = (toy_step("a", tmp_path), toy_step("b", tmp_path, ("a",)), toy_step("c", tmp_path))
    assert carried(tmp_path, [a, b, c]) == ["to do"] * 3
    assert carried(tmp_path, [a, b, c]) == ["done"] * 3
    changed = toy_step("a", tmp_path, words="other")
    ledger = Ledger(tmp_path, False)
    assert [state for _, state in plan([changed, b, c], ledger)] == ["changed", "changed", "done"]
    assert carried(tmp_path, [changed, b, c]) == ["changed", "changed", "done"]
    (tmp_path / "b").unlink()
    assert carried(tmp_path, [changed, b, c]) == ["done", "begun", "done"]


def test_a_step_that_fails_is_not_noted_as_done_and_a_broken_note_counts_for_nothing(tmp_path: Path) -> None:
    step = toy_step("a", tmp_path, fails=True)
    assert carry_out(step, Ledger(tmp_path, False), {}, iter(range(9)).__next__) == ("to do", 6)
    assert carried(tmp_path, [step]) == ["begun"]
    for damaged in (b"{", b"[]", canonical_json({"steps": 3})):
        (tmp_path / "study.json").write_bytes(damaged)
        assert Ledger(tmp_path, False).notes() == {}


def test_status_knows_a_study_that_was_left_and_says_how_to_go_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step = toy_step("a", home)
    ledger = Ledger(home / "studies" / "sample-toy", toy=True)
    ledger.begin(step, {})
    assert run(["status", "sample"]) == Exit.DONE
    assert "study sample-toy" in (said := capsys.readouterr().out)
    assert "begun" in said
    (home / "studies/sample-toy/study.json").unlink()
    assert run(["status", "sample"]) == Exit.DONE
    assert "study" not in capsys.readouterr().out
