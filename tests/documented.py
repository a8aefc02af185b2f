"""The README and the pages of docs/ as programs: their blocks of code, and what runs them.

A block is what stands between two lines of ```. HTML comments before it say what a reader need not see:

    <!-- needs: keys -->         not run here, for it needs keys (see NEEDS); its options are checked
    <!-- exit: 8 -->             the last command of the block ends with this code
    <!-- file: a/b.toml -->      the block is the content of this file
    <!-- setup: cp a b -->       run before what follows
    <!-- serve: folder 8000 -->  from here on, 127.0.0.1:8000 in the blocks is a server of that folder
    <!-- starts: demo -->        where the page begins: an empty folder, the demo's, the same with a trained
                                 run, or a copy of the code ("checkout")
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).parents[1]
NEEDS = frozenset({"install", "network", "keys", "account", "gpu", "cluster", "time", "person", "checkout"})
"""Why a block is not run in a test: it installs packages, needs the network, keys of a source, an account at
the Hub, a GPU, several machines, hours, a person at a browser, or a checkout with its history."""

SHELLS = frozenset({"console", "bash"})
LANGUAGES = SHELLS | {"python", "toml", "json", "diff", "text"}
_COMMENT = re.compile(r"<!-- (\w+): (.*?) -->")
_FENCE = re.compile(r"^```(?P<language>[^`\s]*)\s*(?P<rest>.*)$")
DEMO = ["universe-gan", "demo", "--no-models"]
FLOORS = ("collectors", "curation", "universe_gan")


@dataclass(frozen=True)
class Block:
    """One block of code, or one hidden step."""

    page: str
    line: int
    language: str
    text: str
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(self.marks.get("needs", "").split())

    @property
    def place(self) -> str:
        return f"{self.page}, line {self.line}"


@dataclass(frozen=True)
class Command:
    """A command of a block, and the lines that are shown below it."""

    line: str
    shown: tuple[str, ...]


def pages() -> list[Path]:
    """The README and every page that somebody wrote; those that are made from the code are left out."""
    listed = sorted((ROOT / "docs").rglob("*.md"))
    made = {"reference/commands.md", "reference/settings.md", "reference/exits.md", "reference/paces.md"}
    own = [path for path in listed if path.relative_to(ROOT / "docs").as_posix() not in made]
    own = [path for path in own if path.parent.name != "project" or path.stem == "index"]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *own]


def start_of(page: Path) -> str:
    """Where the page begins: `""`, `demo`, `trained` or `checkout`."""
    found = re.search(r"<!-- starts: (\w+) -->", page.read_text(encoding="utf-8"))
    return found[1] if found else ""


def blocks(page: Path) -> Iterator[Block]:
    """Every block and hidden step of a page, in order; blocks of Sphinx's own directives are no code."""
    name = page.relative_to(ROOT).as_posix()
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), start=1)
    marks: dict[str, str] = {}
    for number, line in lines:
        for kind, words in _COMMENT.findall(line):
            if kind in ("setup", "serve"):
                yield Block(name, number, kind, words)
            elif kind != "starts":
                marks[kind] = words
        if fence := _FENCE.match(line):
            inside = []
            for _, below in lines:
                if below.startswith("```"):
                    break
                inside.append(below)
            if not fence["language"].startswith("{"):
                yield Block(name, number, fence["language"], "\n".join(inside) + "\n", marks)
            marks = {}


def commands(block: Block) -> list[Command]:
    """The commands of a shell block: in `console`, lines after "$ "; what follows is what they print."""
    if block.language == "bash":
        return [Command(line, ()) for line in block.text.splitlines() if line.strip()]
    found: list[tuple[str, list[str]]] = []
    goes_on = False
    for line in block.text.splitlines():
        if goes_on:
            found[-1] = (f"{found[-1][0][:-1]}{line.strip()}", [])
        elif line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
        else:
            raise ValueError(f"{block.place}: output before the first command")
        goes_on = bool(found) and not found[-1][1] and found[-1][0].endswith("\\")
    return [Command(line, tuple(shown)) for line, shown in found]


def is_shown(shown: tuple[str, ...], printed: str) -> str | None:
    """The first line shown that was not printed, in this order; `…` stands for anything, a line of it alone
    for any lines; how wide the gaps are does not matter. `None`: all were."""
    lines = iter([" ".join(line.split()) for line in printed.splitlines()])
    for line in shown:
        words = " ".join(line.split())
        if words in ("", "…"):
            continue
        pattern = ".*".join(re.escape(part) for part in words.split("…"))
        if not any(re.fullmatch(pattern, one) for one in lines):
            return line
    return None


class Fork:
    """A Python with everything loaded, that runs each command in a child of its own: quick, and as alone."""

    def __init__(self, scratch: Path) -> None:
        self._scratch, self._out = scratch, scratch / "printed.txt"
        self._demo: tuple[Path, str] | None = None
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(scratch / "hub")}
        environment |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "MPLCONFIGDIR": str(scratch)}
        self._child = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forking.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=scratch,
        )

    def __call__(self, what: Mapping[str, object], cwd: Path, env: Mapping[str, str]) -> tuple[int, str]:
        """Run `{"argv": […]}` or `{"code": "…"}` and return the exit code and all that was printed."""
        assert self._child.stdin
        assert self._child.stdout
        asked = {**what, "cwd": str(cwd), "env": dict(env), "out": str(self._out)}
        self._child.stdin.write(json.dumps(asked) + "\n")
        self._child.stdin.flush()
        code = int(self._child.stdout.readline())
        return code, self._out.read_text(encoding="utf-8", errors="replace")

    def demo(self) -> tuple[Path, str]:
        """The folder of the demo without models, and what it printed; it runs once for all who show it."""
        if self._demo is None:
            code, printed = self({"argv": DEMO[1:]}, self._scratch, {"COLUMNS": "200"})
            assert code == 0, printed
            self._demo = self._scratch / "demo", printed
        return self._demo

    def close(self) -> None:
        assert self._child.stdin
        self._child.stdin.close()
        self._child.wait(10)


class Walk:
    """One page, read by somebody who does everything it shows."""

    def __init__(self, start: str, folder: Path, fork: Fork) -> None:
        self.cwd, self.fork, self.alone = folder, fork, start == "checkout"
        self.env = {"COLUMNS": "200", "NO_COLOR": "1", "SAMPLE": str(ROOT / "universe_gan/sample/images")}
        self.env["UNIVERSE_GAN_CONTACT"] = "reader@example.org"
        self.swaps: dict[str, str] = {}
        self.servers = ExitStack()
        if self.alone:
            self.env["PYTHONPATH"] = str(folder)
            for floor in FLOORS:
                shutil.copytree(ROOT / floor, folder / floor, ignore=shutil.ignore_patterns("__pycache__"))

    def do(self, block: Block) -> None:
        """Do what a block says; an `AssertionError` names its place."""
        text = block.text
        for before, after in self.swaps.items():
            text = text.replace(before, after)
        if "file" in block.marks:
            path = self.cwd / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif block.language == "setup":
            subprocess.run(["bash", "-ec", text], cwd=self.cwd, env={**os.environ, **self.env}, check=True)
        elif block.language == "serve":
            folder, port = text.split()
            self.swaps[f"127.0.0.1:{port}"] = self.servers.enter_context(served_folder(self.cwd / folder))
        elif block.language == "diff":
            patch(text, self.cwd, block.place)
        elif block.language == "python":
            code, printed = self.fork({"code": text}, self.cwd, self.env)
            assert code == 0, f"{block.place}\n{printed}"
        elif block.language in SHELLS:
            self._commands(block)

    def _commands(self, block: Block) -> None:
        steps = commands(block)
        for number, command in enumerate(steps, start=1):
            code, printed = self._run(command.line)
            wanted = int(block.marks.get("exit", 0)) if number == len(steps) else 0
            told = f"{block.place}: $ {command.line}\n{printed}"
            assert code == wanted, f"exit code {code} instead of {wanted}\n{told}"
            missing = is_shown(command.shown, printed)
            assert missing is None, f"was not printed: {missing}\n{told}"

    def _run(self, line: str) -> tuple[int, str]:
        words = shlex.split(line, comments=True)
        if words[-2:-1] == [">"]:
            code, printed = self._run(line.rpartition(">")[0])
            (self.cwd / words[-1]).write_text(printed, encoding="utf-8")
            return code, ""
        if words[0] == "cd":
            self.cwd /= words[1]
            return 0, ""
        if words[0] == "export":
            self.env |= dict(word.split("=", 1) for word in words[1:])
            return 0, ""
        if words == DEMO and not self.alone and not any(self.cwd.iterdir()):
            folder, printed = self.fork.demo()
            shutil.copytree(folder, self.cwd / "demo")
            return 0, printed
        if words[0] == "universe-gan" and not self.alone:
            return self.fork({"argv": words[1:]}, self.cwd, self.env)
        if words[0] in ("universe-gan", "python"):
            rest = ["-m", "universe_gan", *words[1:]] if words[0] == "universe-gan" else words[1:]
            asked = [sys.executable, *rest]
        else:
            asked = ["bash", "-c", line]
        done = subprocess.run(
            asked,
            cwd=self.cwd,
            env={**os.environ, **self.env},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return done.returncode, done.stdout


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing of each request."""


@contextmanager
def served_folder(folder: Path) -> Iterator[str]:
    """A server of a folder on loopback, as `host:port`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def patch(text: str, root: Path, place: str) -> None:
    """Apply a diff whose parts (`@@`) each stand at one place of their file; numbers are not needed."""
    path: Path | None = None
    for part in re.split(r"^(?=@@|--- )", text, flags=re.MULTILINE):
        if part.startswith("--- "):
            named = re.search(r"^\+\+\+ b/(.+)$", part, re.MULTILINE)
            assert named, f"{place}: no +++ line"
            path = root / named[1]
            continue
        lines = part.splitlines()[1:]
        if not lines:
            continue
        assert path, f"{place}: no file is named"
        before = "\n".join(line[1:] for line in lines if line[:1] != "+")
        after = "\n".join(line[1:] for line in lines if line[:1] != "-")
        content = path.read_text(encoding="utf-8")
        if any(line[:1] == " " for line in lines):
            assert content.count(before) == 1, f"{place}: stands {content.count(before)} times:\n{before}"
        path.write_text(content.replace(before, after, 1), encoding="utf-8")
