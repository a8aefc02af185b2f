"""A real MediaWiki for the tests: Debian's package, SQLite, its own nginx and PHP, on loopback.

Nothing outside a temporary folder is written and no service of the machine is touched: both servers run in
the foreground as children of the test run, are stopped by their process id, and end when the run is killed.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import requests
from real.wiki_contents import LICENCES, Contents

INSTALLED = Path("/usr/share/mediawiki")
NAME = "ugwiki"
"""Name of the database, and so the wiki's id; the uids of its files start with `wiki-ugwiki:`."""


class WikiFailed(Exception):
    """The wiki could not be set up; the words are the end of its logs."""


@dataclass(frozen=True)
class RealWiki:
    """A wiki that answers now."""

    root: Path
    port: int
    contents: Contents
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        return f"{self.address}/w/api.php"

    @property
    def slug(self) -> str:
        return f"wiki-{NAME}"

    def ask(self, **params: Any) -> dict[str, Any]:
        """One question to the API, outside of everything that is tested."""
        answer = self.session.get(
            self.api, params={"format": "json", "formatversion": 2, **params}, timeout=60
        )
        answer.raise_for_status()
        return answer.json()

    def act(self, action: str, **params: Any) -> dict[str, Any]:
        """Edit, move, delete: on this wiki everybody may."""
        data = {"action": action, "format": "json", "formatversion": 2, "token": "+\\", **params}
        answer = self.session.post(self.api, data=data, timeout=60).json()
        if "error" in answer:
            raise WikiFailed(f"{action}: {answer['error']}")
        return answer

    def upload(self, name: str, data: bytes, text: str = "") -> None:
        """Put a file there; where one is, it becomes an archived version and its page stays as it is."""
        form = {"action": "upload", "format": "json", "token": "+\\", "filename": name, "text": text}
        form |= {"ignorewarnings": "1", "comment": "For the tests"}
        answer = self.session.post(self.api, data=form, files={"file": (name, data)}, timeout=60).json()
        if answer.get("upload", {}).get("result") != "Success":
            raise WikiFailed(f"upload of {name}: {answer}")

    def page_id(self, title: str) -> int:
        return self.ask(action="query", titles=title)["query"]["pages"][0]["pageid"]

    def uid(self, file: str) -> str:
        """The uid of a file by its name."""
        return f"{self.slug}:M{self.page_id(f'File:{file}')}"


def what_is_missing() -> str | None:
    """What this machine lacks for a wiki, in words; `None`: nothing."""
    lacking = [name for name in ("nginx", "php", "php-fpm") if not _program(name)]
    if not (INSTALLED / "maintenance" / "install.php").is_file():
        lacking.append("mediawiki")
    if lacking:
        return (
            f"not installed: {', '.join(lacking)} (Debian: mediawiki nginx-light php-fpm php-cli php-sqlite3)"
        )
    modules = (
        subprocess.run([_program("php"), "-m"], capture_output=True, text=True, check=True)
        .stdout.lower()
        .split()
    )
    lacking = [name for name in ("pdo_sqlite", "mbstring", "xml", "intl") if name not in modules]
    return f"PHP lacks {', '.join(lacking)}" if lacking else None


@contextmanager
def running(root: Path, contents: Contents) -> Iterator[RealWiki]:
    """Install, fill and serve a wiki in an empty folder; stop it at the end. Raises `WikiFailed`."""
    for folder in ("db", "conf", "images", "cache", "run", "tmp", "import"):
        (root / folder).mkdir(parents=True)
    wiki = RealWiki(root=root, port=_free_port(), contents=contents)
    _install(wiki)
    _fill(wiki)
    with ExitStack() as servers:
        servers.enter_context(
            _server(root, [_program("php-fpm"), *_as_root("-R"), "-F", "-y", _fpm_conf(root)], "php-fpm")
        )
        servers.enter_context(
            _server(
                root,
                [_program("nginx"), "-e", root / "run" / "nginx.log", "-p", root, "-c", _nginx_conf(wiki)],
                "nginx",
            )
        )
        _wait(wiki)
        yield wiki


def _install(wiki: RealWiki) -> None:
    _php(
        wiki.root,
        "install.php",
        *(
            "--dbtype",
            "sqlite",
            "--dbpath",
            wiki.root / "db",
            "--dbname",
            NAME,
            "--confpath",
            wiki.root / "conf",
        ),
        *("--scriptpath", "/w", "--server", wiki.address, "--lang", "en", "--pass", "only-for-tests-8271"),
        *("Wiki of the tests", "Admin"),
    )
    settings = wiki.root / "conf" / "LocalSettings.php"
    licences = {name.lower(): licence for name, licence in LICENCES.items()}
    (wiki.root / "conf" / "licences.json").write_text(json.dumps(licences))
    own = Template((Path(__file__).parent / "LocalSettings.php").read_text())
    settings.write_text(settings.read_text() + own.substitute(root=wiki.root, address=wiki.address))


def _fill(wiki: RealWiki) -> None:
    """Templates before the pages that use them, files last, redirects to them after."""
    for prefix, pages in wiki.contents.pages():
        folder = wiki.root / "import" / (prefix or "Main")
        folder.mkdir()
        files = [folder / f"{name.replace(' ', '_')}.wikitext" for name in pages]
        for file, text in zip(files, pages.values(), strict=True):
            file.write_text(text)
        _php(wiki.root, "importTextFiles.php", "--prefix", f"{prefix}:", *_conf(wiki.root), *files)
        if prefix == "Category":
            _import_files(wiki)
    _php(wiki.root, "runJobs.php", *_conf(wiki.root))


def _import_files(wiki: RealWiki) -> None:
    folder = wiki.root / "import" / "files"
    folder.mkdir()
    for upload in wiki.contents.uploads:
        (folder / upload.name).write_bytes(upload.data)
        (folder / f"{upload.name}.wikitext").write_text(upload.text)
    _php(
        wiki.root,
        "importImages.php",
        *_conf(wiki.root),
        *("--comment-ext", "wikitext", "--user", "Admin", "--summary", "For the tests", folder),
    )


def _conf(root: Path) -> tuple[Any, ...]:
    return ("--conf", root / "conf" / "LocalSettings.php", "--quiet")


def _php(root: Path, script: str, *arguments: Any) -> None:
    command = [_program("php"), INSTALLED / "maintenance" / script, *arguments]
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, cwd=root
    )
    if done.returncode or "failed" in done.stdout.lower():
        raise WikiFailed(f"{script}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def _fpm_conf(root: Path) -> Path:
    path = root / "conf" / "fpm.conf"
    path.write_text(f"""
[global]
error_log = {root}/run/php-fpm.log
pid = {root}/run/php-fpm.pid
[wiki]
{"user = root" if os.geteuid() == 0 else ""}
listen = {root}/run/php.sock
pm = static
pm.max_children = 3
env[MW_CONFIG_FILE] = {root}/conf/LocalSettings.php
env[TMPDIR] = {root}/tmp
php_admin_value[sys_temp_dir] = {root}/tmp
php_admin_value[upload_tmp_dir] = {root}/tmp
catch_workers_output = yes
""")
    return path


def _nginx_conf(wiki: RealWiki) -> Path:
    root = wiki.root
    scratch = "\n".join(
        f"  {kind}_temp_path {root}/tmp/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = root / "conf" / "nginx.conf"
    path.write_text(f"""
{"user root;" if os.geteuid() == 0 else ""}
daemon off;
worker_processes 1;
pid {root}/run/nginx.pid;
error_log {root}/run/nginx.log;
events {{ worker_connections 256; }}
http {{
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log off;
{scratch}
  server {{
    listen 127.0.0.1:{wiki.port};
    client_max_body_size 64m;
    location /images/ {{ alias {root}/images/; }}
    location ~ ^/w/(api|index|load)\\.php$ {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME {INSTALLED}/$1.php;
      fastcgi_pass unix:{root}/run/php.sock;
      fastcgi_read_timeout 120s;
    }}
    location /wiki/ {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME {INSTALLED}/index.php;
      fastcgi_pass unix:{root}/run/php.sock;
    }}
  }}
}}
""")
    return path


@contextmanager
def _server(root: Path, command: Sequence[Any], name: str) -> Iterator[None]:
    with (root / "run" / f"{name}.out").open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(wiki: RealWiki, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    problem = "nothing answered"
    while time.monotonic() < deadline:
        try:
            if wiki.ask(action="query", meta="siteinfo")["query"]["general"]["wikiid"] == NAME:
                return
        except (requests.RequestException, KeyError) as error:
            problem = str(error)
        time.sleep(0.1)
    logs = "\n".join(
        path.read_text(errors="replace")[-2000:] for path in sorted((wiki.root / "run").glob("*.[lo]*"))
    )
    raise WikiFailed(f"{wiki.api}: {problem}\n{logs}")


def _program(name: str) -> str:
    """The path of a program, also where an ordinary user's PATH has no sbin; "": not there."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    versions = sorted(Path("/usr/sbin").glob("php-fpm*"), reverse=True) if name == "php-fpm" else []
    return shutil.which(name, path=path) or (str(versions[0]) if versions else "")


def _end_with_parent() -> None:
    """Ask Linux to stop this process when the test run dies, however it dies (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _as_root(flag: str) -> tuple[str, ...]:
    return (flag,) if os.geteuid() == 0 else ()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
