"""The wheel: built from the source distribution, installed into an environment of its own, used elsewhere."""

import email
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AT = "1793577600"
"""`SOURCE_DATE_EPOCH` of the builds here."""

hatchling = pytest.importorskip("hatchling.build", reason="hatchling is not installed: the extra [test]")


def built(place: Path, source: Path, kind: str) -> Path:
    """Build a `wheel` or `sdist` of a tree, as pip and `build` ask for it (PEP 517)."""
    place.mkdir()
    script = f"import hatchling.build; print(hatchling.build.build_{kind}({str(place)!r}))"
    done(source, sys.executable, "-c", script, environment={"SOURCE_DATE_EPOCH": AT})
    [found] = place.iterdir()
    return found


def done(folder: Path, *command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a program with nothing of this checkout in its environment; its standard output."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    finished = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**kept, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the source distribution."""
    place = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built(place / "dist", ROOT, "sdist")) as archive:
        archive.extractall(place, filter="data")
    [tree] = [path for path in place.iterdir() if path.name != "dist"]
    return tree


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, unpacked: Path) -> Path:
    """Made from the source distribution, as whoever packages this would."""
    return built(tmp_path_factory.mktemp("wheel") / "dist", unpacked, "wheel")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """`bin/` of a new environment with nothing of ours but the wheel.

    The packages it needs are those of this run: fetching them again would show nothing about the wheel.
    """
    place = tmp_path_factory.mktemp("clean") / "environment"
    venv.create(place, with_pip=False, symlinks=True)
    packages = place / f"lib/python{sysconfig.get_python_version()}/site-packages"
    pip = [sys.executable, "-m", "pip", "--python", place / "bin/python", "install", "--quiet"]
    done(place, *pip, "--no-deps", "--no-index", wheel)
    others = [one for one in sys.path if Path(one).name in ("site-packages", "dist-packages")]
    (packages / "others.pth").write_text("\n".join(others))  # their own .pth, so our checkout, are not read
    return place / "bin"


def test_the_same_commit_is_the_same_wheel_byte_for_byte(tmp_path: Path, wheel: Path) -> None:
    straight = built(tmp_path / "straight", ROOT, "wheel")
    assert straight.name == wheel.name
    assert straight.read_bytes() == wheel.read_bytes()


def test_the_wheel_holds_the_three_rooms_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"collectors", "curation", "universe_gan"}
    assert {f"{room}/py.typed" for room in tops} <= set(names)
    assert {"universe_gan/manifests/nebulae.toml", "universe_gan/manifests/planets.toml"} <= set(names)
    kinds = {Path(name).suffix for name in names if ".dist-info" not in name}
    assert kinds == {".py", ".typed", ".jinja", ".css", ".js", ".toml", ".jsonl", ".jpg", ".npz"}


def test_the_licence_of_the_wheel_names_those_of_its_pictures(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [about] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        metadata = email.message_from_bytes(archive.read(about))
        lines = archive.read("universe_gan/sample/credits.jsonl").decode().splitlines()
        shipped = {name.removeprefix("universe_gan/sample/images/") for name in archive.namelist()}
    credits = [json.loads(line) for line in lines]
    said = {one["licence"] for one in credits if one["file"] in shipped}
    public = {one for one in said if "Public domain" in one or "PD" in one}
    expected = {"MIT", *(said - public), *(["LicenseRef-Public-Domain"] if public else [])}
    assert set(metadata["License-Expression"].split(" AND ")) == expected
    assert metadata.get_all("License-File") == ["LICENSE", "LICENSES.md"]


def test_it_runs_away_from_the_checkout(tmp_path: Path, installed: Path) -> None:
    where = done(tmp_path, installed / "python", "-c", "import curation; print(curation.__file__)")
    assert Path(where.strip()).is_relative_to(installed.parent)
    printed = done(tmp_path, installed / "universe-gan", "demo", "--no-models", "--workers", "1")
    assert re.search(r"^dataset +demo/data/sample/dataset  32 rows", printed, re.MULTILINE)
    assert (tmp_path / "demo/data/sample/report.html").is_file()
    done(tmp_path, installed / "universe-gan", "init", "mine", "--from", "planets")
    assert (tmp_path / "manifests/mine.toml").is_file()


def test_its_version_and_completion_answer_from_both_doors(
    tmp_path: Path, wheel: Path, installed: Path
) -> None:
    version = wheel.name.split("-")[1]
    assert done(tmp_path, installed / "universe-gan", "--version").split()[-1] == version
    assert done(tmp_path, installed / "python", "-m", "universe_gan", "--version").split()[-1] == version
    assert "_UNIVERSE_GAN_COMPLETE" in done(tmp_path, installed / "universe-gan", "completion", "zsh")
