"""Suggested commands can be typed as they stand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from universe_gan.shell import invocation


def a_program(folder: Path) -> Path:
    path = folder / "bin" / "universe-gan"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_plain_name_is_used_where_the_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = a_program(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", str(program.parent))
    assert invocation.tool() == "universe-gan"


def test_the_path_is_used_where_it_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = a_program(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    assert invocation.tool() == "bin/universe-gan"
    monkeypatch.chdir("/")
    assert Path(invocation.tool()).resolve() == program.resolve()
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path / "demo")
    monkeypatch.setattr(sys, "argv", ["../bin/universe-gan"])
    assert invocation.tool() == str(program)


def test_a_suggested_command_runs_when_it_is_typed(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    shown = subprocess.run(
        [sys.executable, "-m", "universe_gan", "status"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    ).stderr
    command = shown.strip().removeprefix("next: ").replace("NAME", "mine")
    typed = subprocess.run(command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert typed.returncode == 0, (shown, typed.stderr)
    assert (tmp_path / "manifests" / "mine.toml").is_file()
