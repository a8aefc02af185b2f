"""LICENSES.md: its generated parts are what the command makes today."""

import re
import shutil
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from collectors.licences import TABLE
from collectors.rights import LicenceClass
from universe_gan.shell import notices
from universe_gan.shell.notices import MarkersMissing, main, outdated, written

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """LICENSES.md with what it is made from, in a folder of its own."""
    for name in ("LICENSES.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "universe_gan" / "sample", tmp_path / "universe_gan" / "sample")
    return tmp_path / "LICENSES.md"


def test_the_notices_of_this_project_are_up_to_date() -> None:
    assert outdated(ROOT / "LICENSES.md") == [], "run `make notices`"


def test_every_licence_class_and_core_dependency_stands_in_the_notices() -> None:
    text = (ROOT / "LICENSES.md").read_text(encoding="utf-8")
    assert [id for id in TABLE if f"| `{id}` |" not in text] == []
    assert [cls for cls in LicenceClass if f"| `{cls}` |" not in text] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for requirement in project["project"]["dependencies"]:
        name = requirement.split(">")[0]
        assert f"| [{name}](" in text, name
        assert metadata.version(name) not in text.partition(f"[{name}](")[2].partition("\n")[0]
    assert "not stated" not in notices.dependencies(ROOT)


def test_every_package_of_an_extra_stands_in_the_notices_under_each_of_its_extras() -> None:
    rows = (ROOT / "LICENSES.md").read_text(encoding="utf-8").splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    missing = []
    for extra, requirements in project["project"]["optional-dependencies"].items():
        for requirement in requirements:
            name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
            said = re.compile(rf"\| [^|]*`\[{extra}\]`[^|]* \| (?:\[{name}\]\(\S+\)|{name}) \| \S")
            missing += [f"[{extra}] {name}"] * (not any(map(said.match, rows)))
    assert missing == []


def test_every_picture_of_the_sample_is_credited() -> None:
    text = (ROOT / "LICENSES.md").read_text(encoding="utf-8")
    images = ROOT / "universe_gan" / "sample" / "images"
    pictures = [path.relative_to(images).as_posix() for path in images.rglob("*") if path.is_file()]
    assert pictures
    for picture in pictures:
        line = text.partition(f"- `{picture}`: ")[2].partition("\n")[0]
        assert " by " in line, picture
        assert "licence unknown" not in line


def test_a_part_that_was_changed_by_hand_is_found_and_made_again(copy: Path) -> None:
    right = copy.read_text(encoding="utf-8")
    copy.write_text(right.replace("| `CC-BY-ND-4.0` |", "| `CC-BY-ND-9.0` |"), encoding="utf-8")
    assert outdated(copy) == ["vocabulary"]
    assert main(["--check", str(copy)]) == 1
    assert main([str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == right
    assert main(["--check", str(copy)]) == 0


def test_a_dependency_that_was_added_is_missed_but_new_words_for_a_licence_are_not(copy: Path) -> None:
    text = copy.read_text(encoding="utf-8")
    copy.write_text(text.replace("| Apache-2.0 |", "| Apache License 2.0 |"), encoding="utf-8")
    assert outdated(copy) == []
    project = copy.with_name("pyproject.toml")
    before = project.read_text(encoding="utf-8")
    project.write_text(
        before.replace("dependencies = [", 'dependencies = [\n  "pytest",', 1), encoding="utf-8"
    )
    assert outdated(copy) == ["dependencies"]


def test_words_outside_the_markers_are_left_alone(copy: Path) -> None:
    text = copy.read_text(encoding="utf-8").replace("# Licences\n", "# Licences\n\nMy own words.\n", 1)
    copy.write_text(text, encoding="utf-8")
    assert written(copy) == text


def test_markers_that_are_missing_or_foreign_are_named(copy: Path) -> None:
    text = copy.read_text(encoding="utf-8")
    copy.write_text(text.replace("generated: sample", "generated: simple"), encoding="utf-8")
    with pytest.raises(MarkersMissing) as caught:
        outdated(copy)
    assert (caught.value.missing, caught.value.foreign) == (("sample",), ("simple",))
