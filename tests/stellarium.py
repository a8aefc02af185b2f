"""Real skies and the surfaces of real planets: Debian's stellarium-data, where the machine has it."""

import os
from pathlib import Path

import pytest

SHARE = Path(os.environ.get("STELLARIUM_DATA", "/")) / "usr/share/stellarium"
NEBULAE = SHARE / "nebulae/default"
TEXTURES = SHARE / "textures"


def nebulae() -> list[Path]:
    """The photographs of the deep sky. Where there are none the test skips, or fails if they are required."""
    return _there(NEBULAE)


def textures() -> dict[str, Path]:
    """The maps of planets and moons by name; skips and fails likewise."""
    return {path.stem: path for path in _there(TEXTURES)}


def _there(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.png"))
    if not found:
        reason = "Debian's stellarium-data is not installed (or unpacked in $STELLARIUM_DATA)"
        if "stellarium" in os.environ.get("UNIVERSE_GAN_REQUIRE", ""):
            pytest.fail(f"required here: {reason}")
        pytest.skip(reason)
    return found
