"""A finished demo and a Hub on loopback, for the commands that publish."""

import contextlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hub_repositories import User
from hub_server import HubServer

TOKEN = "hf_aSecretThatNobodyMaySee"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo that ran to its end; tests copy it."""
    from universe_gan.shell.cli import run

    home = tmp_path_factory.mktemp("finished") / "demo"
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert run(["demo", "--no-models", "--to", str(home), "--workers", "1", "-q"]) == 0
    return home


@pytest.fixture
def home(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished demo to change; the current folder is the one that holds `manifests/`."""
    shutil.copytree(finished, tmp_path / "demo")
    monkeypatch.chdir(tmp_path / "demo")
    return tmp_path / "demo"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub where the token in the environment belongs to ada, who is also in two organisations."""
    import huggingface_hub.constants
    import huggingface_hub.utils._http as http

    ada = User("ada", orgs={"starlab": "write", "museum": "read"})
    with HubServer({TOKEN: ada, "hf_reader": User("ada", "read"), "hf_bob": User("bob")}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")  # the emulator offers Git LFS alone
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr(http, "time", SimpleNamespace(sleep=lambda seconds: None, time=http.time.time))
        yield server
