"""Shell completion, asked as the shells ask: by the script that `completion` prints, and by variables."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two recipes, a run, and a `universe-gan` that the shell finds."""
    for path in ("manifests/nebulae.toml", "manifests/near.toml", "runs/0003-nebulae/run.json"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    program = tmp_path / "bin" / "universe-gan"
    program.parent.mkdir()
    called = shlex.join([sys.executable, "-m", "universe_gan"])
    program.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {called} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pressed(shell: str, script: str) -> list[str]:
    """What a shell printed."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-c", script], capture_output=True, text=True, timeout=60)
    return done.stdout.split()


BASH = """
eval "$(universe-gan completion bash)"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_universe_gan_completion universe-gan
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        ("universe-gan coll", ["collect"]),
        ("universe-gan collect ne", ["near", "nebulae"]),
        ("universe-gan generate r", ["runs/0003-nebulae"]),
        ("universe-gan collect near --set collect.li", ["collect.limit="]),
        ("universe-gan train near --set curate.cr", []),
    ],
)
def test_bash_proposes_commands_recipes_runs_and_settings(
    project: Path, words: str, proposed: list[str]
) -> None:
    assert pressed("bash", BASH.format(words=words)) == proposed


def test_fish_proposes_the_values_of_a_setting_too(project: Path) -> None:
    script = (
        'universe-gan completion fish | source; complete -C "universe-gan collect near --set curate.crop="'
    )
    assert pressed("fish", script) == ["curate.crop=centre", "curate.crop=subject"]


def test_zsh_takes_the_script_and_gets_what_it_asks_for(project: Path) -> None:
    script = 'autoload -U compinit; compinit -D -u; eval "$(universe-gan completion zsh)"'
    assert pressed("zsh", f"{script}; print $_comps[universe-gan]") == ["_universe_gan_completion"]


def test_a_shipped_recipe_is_proposed_to_start_from(project: Path) -> None:
    asked = {"COMP_WORDS": "universe-gan init mine --from pl", "COMP_CWORD": "4"}
    environment = {**os.environ, **asked, "_UNIVERSE_GAN_COMPLETE": "zsh_complete"}
    done = subprocess.run(["universe-gan"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["plain", "planets", "_"]


def test_completing_a_command_waits_for_nothing_heavy(project: Path) -> None:
    asked = {"COMP_WORDS": "universe-gan coll", "COMP_CWORD": "1", "PYTHONPATH": str(ROOT)}
    environment = {**os.environ, **asked, "_UNIVERSE_GAN_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "universe_gan"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "plain,collect\n"
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"torch", "numpy", "pydantic", "rich", "PIL", "datasets"}


def test_the_script_comes_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "fish", "--json"]) == Exit.DONE
    assert "complete" in json.loads(capsys.readouterr().out)["script"]


@pytest.mark.parametrize("words", ["--help", "--version", "train --help", "collect --help"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_help_that_cannot_be_written_is_no_bug(words: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "universe_gan", *words.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=60,
        )
    assert done.returncode == Exit.MACHINE
    assert done.stderr.startswith("error: what this command prints cannot be written: No space left")
