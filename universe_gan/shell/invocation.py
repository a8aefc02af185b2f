"""How the user called us, so that the commands we suggest can be typed as they stand."""

import os
import shutil
import sys
from pathlib import Path


def tool() -> str:
    """`universe-gan` where the shell finds this very program under that name, else the way we were called."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{python()} -m universe_gan"
    found = shutil.which(called.name)
    if found and os.path.realpath(found) == os.path.realpath(called):
        return called.name
    return _short(called)


def python() -> str:
    """`python` where the shell finds this very interpreter under that name, else its path."""
    found = Path(shutil.which("python") or "")
    return "python" if str(found.absolute()) == sys.executable else _short(Path(sys.executable))


def _short(path: Path) -> str:
    """The path as seen from here, when that is shorter and does not climb."""
    relative = os.path.relpath(path)
    return os.path.normpath(path.absolute()) if relative.startswith("..") else relative
