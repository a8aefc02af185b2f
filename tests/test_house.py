"""The house keeps its order: imports run downward, help is quick, and what exists is written down."""

import ast
import os
import re
import resource
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("collectors", "curation", "universe_gan")


def modules() -> list[Path]:
    return [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_rooms_import_only_downward() -> None:
    upward = []
    for path in modules():
        floor = FLOORS.index(path.relative_to(ROOT).parts[0])
        for name in imported(path):
            first = name.split(".")[0]
            if first in FLOORS and FLOORS.index(first) > floor:
                upward.append(f"{path.relative_to(ROOT)} imports {name}")
    assert upward == []


def test_no_import_runs_in_a_circle() -> None:
    known = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in modules()}
    known = {name.removesuffix(".__init__"): path for name, path in known.items()}
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        wanted = imported(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in known:
                inner = {f"{node.module}.{alias.name}" for alias in node.names} & known.keys()
                wanted |= inner
                if len(inner) == len(node.names):  # only modules are taken from the package
                    wanted.discard(node.module)
        graph[name] = wanted & known.keys()
    assert len(list(TopologicalSorter(graph).static_order())) == len(known)


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path for path in modules() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_help_loads_nothing_heavy_and_takes_under_half_a_second_of_cpu() -> None:
    code = (
        "import sys\n"
        "from universe_gan.shell.cli import run\n"
        "run(['--help'])\n"
        "heavy = {'torch', 'datasets', 'pydantic', 'requests', 'PIL', 'numpy', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5
    for code_and_words in ("Exit codes:", "  8  audit or verify found violations", "130  interrupted"):
        assert code_and_words in done.stdout


def commands() -> list[str]:
    from universe_gan.shell.cli import cli

    return sorted(cli.commands)


@pytest.mark.parametrize("command", commands())
def test_every_command_explains_itself_and_stands_in_the_readme(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "universe_gan", command, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100"},
    )
    assert done.returncode == 0
    assert "Options:" in done.stdout
    assert f"`{command}`" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_source_stands_in_the_readme() -> None:
    from collectors.sources import table

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in table() if f"`[collect.{name}]`" not in readme] == []


def test_no_file_names_a_path_of_some_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, cwd=ROOT)
    if listed.returncode:
        pytest.skip("not a git checkout")
    pattern = re.compile(r"(?<![\w.$}])/(?:home|root|Users)/\w")
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".jsonl", ".html", ""} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [name for _ in pattern.finditer(text)]
    assert found == []
