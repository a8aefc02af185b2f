"""Pages served by a program of its own, as a user starts it: from the address it prints to Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Served:
    """A program that serves a page."""

    process: subprocess.Popen[str]
    address: str
    """Ends in a slash."""

    def end(self) -> tuple[int, str]:
        """Press Ctrl-C: its exit code, and what else it printed."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=30)
        return self.process.returncode, rest


@contextmanager
def served(*words: str, folder: Path) -> Iterator[Served]:
    """Start Python with these words and wait for an address on its standard output."""
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, text=True, cwd=folder, env=_environment()
    ) as process:
        assert process.stdout
        try:
            found = next(
                (match for line in process.stdout if (match := re.search(r"http://\S+/", line))), None
            )
            assert found, "it ended before it printed an address"
            yield Served(process, found[0])
        finally:
            if process.poll() is None:
                process.kill()


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[1])
    return {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
