"""A Hugging Face Hub on loopback, to which the real `huggingface_hub` and `datasets` talk (`HF_ENDPOINT`).

    with HubServer({"hf_write": User("ada")}) as hub:
        HfApi(endpoint=hub.endpoint, token="hf_write").create_repo("ada/nebulae", repo_type="dataset")

Shaped after what huggingface_hub 2.4 sends and reads (`hf_api.py`, `_commit_api.py`, `lfs.py`) and after
https://huggingface.co/docs/hub/api. It offers Git LFS and no Xet: its users set `HF_HUB_DISABLE_XET=1`. Kept
in memory: commits with parents, branches, tags, pull requests, LFS objects; private repositories are hidden,
tokens have a role, namespaces have members. `faults` answers with a status or cuts an upload off.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from hub_repositories import Blob, Commit, Repo, User

WHEN = "2026-11-22T12:00:00.000Z"
LFS_SUFFIXES = (".parquet", ".bin", ".png", ".jpg", ".zip", ".gz")
"""What `.gitattributes` of a new dataset repository sends to LFS (shortened)."""


class Wrong(Exception):
    """An answer that is a refusal."""

    def __init__(self, status: int, words: str, code: str = "") -> None:
        super().__init__(words)
        self.status, self.words, self.code = status, words, code


@dataclass
class Asked:
    """One request, for tests to look at afterwards."""

    method: str
    path: str
    token: str | None
    range: str | None
    body: int = 0
    """Bytes of it that came."""
    sent: int = 0
    """Bytes of the answer's body."""


class HubServer:
    """The server; `with` starts and stops it."""

    def __init__(self, users: Mapping[str, User]) -> None:
        self.users = dict(users)
        self.repos: dict[str, Repo] = {}
        self.asked: list[Asked] = []
        self.faults: list[Callable[[str, str], int | None]] = []
        """Asked in order with method and path: a status to answer, or `None`."""
        self.cut_uploads_after: int | None = None
        """Once so many bytes of LFS objects came, the connection is cut, and every later one too."""
        self.before_commit: Callable[[Repo], None] | None = None
        """Called once, between a client's last look and its commit: somebody else is faster."""
        self.lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def uploaded(self) -> int:
        """Bytes of LFS objects that came so far, cut ones included."""
        return sum(one.body for one in self.asked if one.method == "PUT")

    def fault(self, status: int, path: str, method: str = "", times: int = 10**6) -> None:
        """Answer requests whose path matches a pattern with a status, so many times."""
        left = [times]

        def choose(asked: str, where: str) -> int | None:
            if left[0] and (not method or asked == method) and re.search(path, where):
                left[0] -= 1
                return status
            return None

        self.faults.append(choose)


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        bearer = self.headers.get("Authorization", "")
        self.token = bearer.removeprefix("Bearer ") or None
        self.record = Asked(self.command, self.path, self.token, self.headers.get("Range"))
        self.hub.asked.append(self.record)
        try:
            self.body = self._receive()
            for fault in self.hub.faults:
                if status := fault(self.command, path):
                    raise Wrong(status, "as the test wishes")
            if self.token and self.token not in self.hub.users:
                raise Wrong(401, "Invalid credentials in Authorization header")
            with self.hub.lock:
                self._route(path)
        except Wrong as wrong:
            headers = {"X-Error-Message": wrong.words} | ({"X-Error-Code": wrong.code} if wrong.code else {})
            self._send(wrong.status, json.dumps({"error": wrong.words}).encode(), headers)
        except ConnectionError:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

    def _receive(self) -> bytes:
        left, parts = int(self.headers.get("Content-Length") or 0), []
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        while left or chunked:
            if chunked and not left:
                left = int(self.rfile.readline().split(b";")[0], 16)
                if not left:
                    self.rfile.readline()
                    break
            part = self.rfile.read(min(left, 16384))
            left -= len(part)
            if chunked and not left:
                self.rfile.readline()
            parts.append(part)
            self.record.body += len(part)
            limit = self.hub.cut_uploads_after
            if not part or (self.command == "PUT" and limit is not None and self.hub.uploaded > limit):
                self.connection.close()
                raise ConnectionAbortedError
        return b"".join(parts)

    def _send(
        self,
        status: int,
        data: bytes = b"",
        headers: Mapping[str, str] | None = None,
        size: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | dict(headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) if size is None else size))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
            self.record.sent = len(data)

    def _json(self, value: Any, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode())

    # Who asks, and for what

    @property
    def user(self) -> User | None:
        return self.hub.users.get(self.token or "")

    def _repo(self, id: str) -> Repo:
        repo = self.hub.repos.get(id)
        namespace = id.split("/")[0]
        ours = self.user is not None and (namespace == self.user.name or namespace in self.user.orgs)
        if repo is None or (repo.private and not ours):
            raise Wrong(404 if self.user else 401, "Repository not found", "RepoNotFound")
        return repo

    def _writes(self, id: str) -> User:
        if self.user is None:
            raise Wrong(401, "Invalid username or password.")
        if not self.user.may_write(id):
            raise Wrong(403, f"You don't have the rights to write to {id}")
        return self.user

    def _find(self, repo: Repo, revision: str) -> Commit:
        found = repo.find(revision)
        if found is None:
            raise Wrong(404, "Revision not found", "RevisionNotFound")
        return found

    def _route(self, path: str) -> None:
        for method, pattern, name in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split():
                getattr(self, name)(*match.groups())
                return
        raise Wrong(404, f"there is no {self.command} {path}")

    def _whoami(self) -> None:
        user = self.user
        if user is None:
            raise Wrong(401, "Invalid username or password.")
        access: dict[str, Any] = {"displayName": "test", "role": user.role}
        if user.role == "fineGrained":
            permissions = ["repo.content.read", "repo.write"]
            access["fineGrained"] = {
                "global": [],
                "scoped": [
                    {
                        "entity": {"type": "dataset" if "/" in name else "user", "name": name},
                        "permissions": permissions,
                    }
                    for name in user.scoped
                ],
            }
        orgs = [{"type": "org", "name": name, "roleInOrg": role} for name, role in user.orgs.items()]
        self._json(
            {
                "type": "user",
                "name": user.name,
                "orgs": orgs,
                "auth": {"type": "access_token", "accessToken": access},
            }
        )

    def _validate_yaml(self) -> None:
        content = json.loads(self.body)["content"]
        whole = content.startswith("---\n") and "\n---\n" in content
        if not whole:
            self._json({"errors": [{"message": "no metadata"}], "warnings": []}, 400)
            return
        self._json({"errors": [], "warnings": []})

    def _create(self) -> None:
        asked = json.loads(self.body)
        user = self.user
        id = f"{asked.get('organization') or (user.name if user else '')}/{asked['name']}"
        self._writes(id)
        if id in self.hub.repos:
            raise Wrong(409, "You already created this dataset repo")
        private = asked.get("private") or asked.get("visibility") == "private"
        repo = self.hub.repos[id] = Repo(id, bool(private))
        repo.commit(
            "refs/heads/main", "initial commit", {".gitattributes": Blob(b"*.parquet lfs\n", False)}, None
        )
        self._json({"url": f"{self.hub.endpoint}/datasets/{id}", "id": id, "name": id})

    def _auth_check(self, id: str, write: str | None) -> None:
        self._repo(id)
        if write:
            self._writes(id)
        self._json({})

    # Reading

    def _info(self, id: str, revision: str | None = None) -> None:
        repo = self._repo(id)
        commit = self._find(repo, revision or "main")
        self._json(
            {
                "_id": id,
                "id": id,
                "author": id.split("/")[0],
                "sha": commit.oid,
                "private": repo.private,
                "gated": False,
                "disabled": False,
                "lastModified": WHEN,
                "createdAt": WHEN,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "siblings": [{"rfilename": path} for path in sorted(commit.files)],
            }
        )

    def _tree(self, id: str, revision: str, below: str | None) -> None:
        files = self._find(self._repo(id), revision).files
        prefix = f"{below.strip('/')}/" if below and below.strip("/") else ""
        inside = {path: blob for path, blob in files.items() if path.startswith(prefix)}
        if prefix and not inside:
            raise Wrong(404, "Entry not found", "EntryNotFound")
        recursive = parse_qs(urlsplit(self.path).query).get("recursive", [""])[0].lower() in ("true", "1")
        folders = {
            prefix + "/".join(parts[:depth])
            for path in inside
            for parts in [path.removeprefix(prefix).split("/")]
            for depth in range(1, len(parts))
            if recursive or depth == 1
        }
        listed = {path: {"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in folders}
        listed |= {
            p: blob.entry(p) for p, blob in inside.items() if recursive or "/" not in p.removeprefix(prefix)
        }
        self._json([listed[path] for path in sorted(listed)])

    def _paths_info(self, id: str, revision: str) -> None:
        files = self._find(self._repo(id), revision).files
        if "json" in self.headers.get("Content-Type", ""):
            wanted = json.loads(self.body)["paths"]
        else:
            wanted = parse_qs(self.body.decode()).get("paths", [])
        found = []
        for path in wanted:
            if path in files:
                found.append(files[path].entry(path))
            elif any(one.startswith(f"{path}/") for one in files):
                found.append({"type": "directory", "path": path, "size": 0, "oid": "0" * 40})
        self._json(found)

    def _list_refs(self, id: str) -> None:
        repo = self._repo(id)

        def under(prefix: str) -> list[dict[str, str]]:
            return [
                {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": oid}
                for ref, oid in sorted(repo.refs.items())
                if ref.startswith(prefix)
            ]

        value = {
            "branches": under("refs/heads/"),
            "tags": under("refs/tags/"),
            "converts": under("refs/convert/"),
        }
        self._json(value | {"pullRequests": under("refs/pr/")})

    def _commits(self, id: str, revision: str) -> None:
        repo = self._repo(id)
        commit: Commit | None = self._find(repo, revision)
        listed = []
        while commit:
            listed.append(
                {"id": commit.oid, "title": commit.title, "message": "", "date": WHEN, "authors": []}
            )
            commit = repo.commits.get(commit.parent or "")
        self._json(listed)

    def _resolve(self, id: str, revision: str, path: str) -> None:
        commit = self._find(self._repo(id), revision)
        if path not in commit.files:
            raise Wrong(404, "Entry not found", "EntryNotFound")
        blob = commit.files[path]
        data, status = blob.data, 200
        headers = {
            "ETag": f'"{blob.sha256 if blob.lfs else blob.oid}"',
            "X-Repo-Commit": commit.oid,
            "X-Linked-Size": str(len(data)),
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
        }
        if blob.lfs:
            headers["X-Linked-Etag"] = headers["ETag"]
        if match := re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", "")):
            first = int(match[1]) if match[1] else max(0, len(data) - int(match[2]))
            last = min(int(match[2]) if match[1] and match[2] else len(data) - 1, len(data) - 1)
            if first >= len(data):
                raise Wrong(416, "out of range")
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 206
        self._send(status, data, headers)

    # Writing

    def _preupload(self, id: str, revision: str) -> None:
        repo = self._repo(id)
        if "create_pr" not in self.path:
            self._writes(id)
        files = self._find(repo, revision).files
        answers = []
        for one in json.loads(self.body)["files"]:
            lfs = one["path"].endswith(LFS_SUFFIXES) or one["size"] > 10_000_000
            known = files.get(one["path"])
            oid = (known.sha256 if known.lfs else known.oid) if known else None
            mode = "lfs" if lfs else "regular"
            answers.append({"path": one["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self._json({"files": answers})

    def _batch(self, id: str) -> None:
        repo = self._repo(id)
        objects = []
        for one in json.loads(self.body)["objects"]:
            href = f"{self.hub.endpoint}/lfs/{id}/{one['oid']}"
            actions = {"upload": {"href": href}, "verify": {"href": f"{href}/verify"}}
            objects.append(one if one["oid"] in repo.objects else {**one, "actions": actions})
        self._json({"transfer": "basic", "objects": objects})

    def _put(self, id: str, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise Wrong(400, "the content is not what its name says")
        self.hub.repos[id].objects[oid] = self.body
        self._send(200, headers={"ETag": f'"{oid}"'})

    def _verify(self, id: str, oid: str) -> None:
        if len(self.hub.repos[id].objects.get(oid, b"")) != json.loads(self.body)["size"]:
            raise Wrong(404, "no such object")
        self._json({})

    def _commit(self, id: str, revision: str) -> None:
        repo = self._repo(id)
        as_pull = "create_pr=1" in self.path
        user = self.user if as_pull else self._writes(id)
        if user is None or user.role == "read":
            raise Wrong(403, "You need a token with write access")
        if self.hub.before_commit:
            faster, self.hub.before_commit = self.hub.before_commit, None
            faster(repo)
        lines = [json.loads(line) for line in self.body.splitlines() if line]
        header = lines[0]["value"]
        base = self._find(repo, revision)
        if parent := header.get("parentCommit"):
            asked = self._find(repo, parent)
            if not as_pull and asked.oid != base.oid:
                raise Wrong(412, "A commit has happened since. Please refresh and try again.")
            base = asked if as_pull else base
        files = dict(base.files)
        for line in lines[1:]:
            self._apply(repo, files, line["key"], line["value"])
        ref, number = self._ref(repo, revision), 0
        if as_pull:
            number = len(repo.pulls) + 1
            ref = f"refs/pr/{number}"
            repo.pulls[number] = {"title": header["summary"], "status": "open", "author": user.name}
        made = repo.commit(ref, header["summary"], files, base.oid, sign=str(header.get("description")))
        page = f"{self.hub.endpoint}/datasets/{id}"
        pull = {"pullRequestUrl": f"{page}/discussions/{number}"} if number else {}
        self._json({"success": True, "commitOid": made.oid, "commitUrl": f"{page}/commit/{made.oid}", **pull})

    def _ref(self, repo: Repo, revision: str) -> str:
        return revision if revision in repo.refs else f"refs/heads/{revision}"

    def _apply(self, repo: Repo, files: dict[str, Blob], key: str, value: Mapping[str, Any]) -> None:
        path = value["path"]
        if key == "file":
            files[path] = Blob(base64.b64decode(value["content"]), False)
        elif key == "lfsFile":
            if value["oid"] not in repo.objects:
                raise Wrong(400, f"the LFS object of {path} was never uploaded")
            files[path] = Blob(repo.objects[value["oid"]], True)
        elif key == "deletedFile":
            if files.pop(path, None) is None:
                raise Wrong(404, "A file with this name doesn't exist", "EntryNotFound")
        elif key == "deletedFolder":
            for one in [one for one in files if one.startswith(path.rstrip("/") + "/")]:
                del files[one]

    def _tag(self, id: str, revision: str) -> None:
        self._writes(id)
        repo, tag = self._repo(id), f"refs/tags/{json.loads(self.body)['tag']}"
        if tag in repo.refs:
            raise Wrong(409, "Tag reference exists already")
        repo.refs[tag] = self._find(repo, revision).oid
        self._json({})

    def _untag(self, id: str, tag: str) -> None:
        self._writes(id)
        if self._repo(id).refs.pop(f"refs/tags/{tag}", None) is None:
            raise Wrong(404, "no such tag", "RevisionNotFound")
        self._json({})

    def _squash(self, id: str, branch: str) -> None:
        self._writes(id)
        repo = self._repo(id)
        repo.commit(f"refs/heads/{branch}", "squashed", self._find(repo, branch).files, None)
        self._json({})

    def _lfs_files(self, id: str) -> None:
        self._writes(id)
        names = {
            blob.sha256: path
            for commit in self._repo(id).commits.values()
            for path, blob in commit.files.items()
            if blob.lfs
        }
        self._json(
            [
                {
                    "fileOid": oid,
                    "filename": names.get(oid, ""),
                    "oid": oid,
                    "pushedAt": WHEN,
                    "ref": "main",
                    "size": len(data),
                }
                for oid, data in self._repo(id).objects.items()
            ]
        )

    def _delete_lfs(self, id: str) -> None:
        self._writes(id)
        for oid in json.loads(self.body)["deletions"]["sha"]:
            self._repo(id).objects.pop(oid, None)
        self._json({})

    def _discussions(self, id: str) -> None:
        repo = self._repo(id)
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        status = query.get("status")
        listed = [
            {
                "num": number,
                "title": pull["title"],
                "status": pull["status"],
                "author": {"name": pull["author"]},
                "createdAt": WHEN,
                "isPullRequest": True,
                "repo": {"name": id, "type": "dataset"},
            }
            for number, pull in repo.pulls.items()
            if status in (None, "all", pull["status"]) and query.get("author") in (None, pull["author"])
        ]
        self._json({"discussions": listed, "count": len(listed), "start": 0})


_ID = r"([\w.-]+/[\w.-]+)"
_ROUTES = (
    ("GET", r"/api/whoami-v2", "_whoami"),
    ("POST", r"/api/validate-yaml", "_validate_yaml"),
    ("POST", r"/api/repos/create", "_create"),
    ("GET", rf"/api/datasets/{_ID}/auth-check(/write)?", "_auth_check"),
    ("GET", rf"/api/datasets/{_ID}/revision/(.+)", "_info"),
    ("GET", rf"/api/datasets/{_ID}/tree/(refs/(?:pr|convert)/[^/]+|[^/]+)(/.*)?", "_tree"),
    ("POST", rf"/api/datasets/{_ID}/paths-info/(.+)", "_paths_info"),
    ("GET", rf"/api/datasets/{_ID}/refs", "_list_refs"),
    ("GET", rf"/api/datasets/{_ID}/commits/(.+)", "_commits"),
    ("GET", rf"/api/datasets/{_ID}/discussions", "_discussions"),
    ("POST", rf"/api/datasets/{_ID}/preupload/(.+)", "_preupload"),
    ("POST", rf"/api/datasets/{_ID}/commit/(.+)", "_commit"),
    ("POST", rf"/api/datasets/{_ID}/tag/(.+)", "_tag"),
    ("DELETE", rf"/api/datasets/{_ID}/tag/(.+)", "_untag"),
    ("POST", rf"/api/datasets/{_ID}/super-squash/(.+)", "_squash"),
    ("GET", rf"/api/datasets/{_ID}/lfs-files", "_lfs_files"),
    ("POST", rf"/api/datasets/{_ID}/lfs-files/batch", "_delete_lfs"),
    ("GET", rf"/api/datasets/{_ID}", "_info"),
    ("POST", rf"/datasets/{_ID}\.git/info/lfs/objects/batch", "_batch"),
    ("PUT", rf"/lfs/{_ID}/([0-9a-f]{{64}})", "_put"),
    ("POST", rf"/lfs/{_ID}/([0-9a-f]{{64}})/verify", "_verify"),
    ("GET HEAD", rf"/datasets/{_ID}/resolve/(refs/(?:pr|convert)/[^/]+|[^/]+)/(.+)", "_resolve"),
)
