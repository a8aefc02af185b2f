"""What a Hub on loopback answers: a function for each address that `huggingface_hub` and `datasets` ask.

Shaped after what huggingface_hub 2.4 sends and reads (`hf_api.py`, `_commit_api.py`, `lfs.py`) and after
https://huggingface.co/docs/hub/api.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from hub_repositories import Blob, Commit, Repo, User

WHEN = "2026-11-22T12:00:00.000Z"
LFS_SUFFIXES = (".parquet", ".safetensors", ".bin", ".png", ".jpg", ".webp", ".zip", ".gz")
"""What `.gitattributes` of a new dataset repository sends to LFS (shortened)."""


class Wrong(Exception):
    """An answer that is a refusal."""

    def __init__(self, status: int, words: str, code: str = "") -> None:
        super().__init__(words)
        self.status, self.words, self.code = status, words, code


class Hub(Protocol):
    """What answers need of the server."""

    repos: dict[str, Repo]
    before_commit: Callable[[Repo], None] | None

    @property
    def endpoint(self) -> str: ...


@dataclass(frozen=True)
class Call:
    """One request: who asks, and what."""

    hub: Hub
    user: User | None
    path: str
    """With its query, as sent."""
    headers: Message
    body: bytes

    def repo(self, id: str) -> Repo:
        """A repository that the asker may see."""
        repo = self.hub.repos.get(id)
        namespace = bare(id).split("/")[0]
        ours = self.user is not None and (namespace == self.user.name or namespace in self.user.orgs)
        if repo is None or (repo.private and not ours):
            raise Wrong(404 if self.user else 401, "Repository not found", "RepoNotFound")
        return repo

    def writes(self, id: str) -> User:
        """The asker, who may write there."""
        if self.user is None:
            raise Wrong(401, "Invalid username or password.")
        if not self.user.may_write(bare(id)):
            raise Wrong(403, f"You don't have the rights to write to {bare(id)}")
        return self.user


@dataclass(frozen=True)
class Answer:
    status: int = 200
    data: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(call: Call, method: str, path: str) -> Answer:
    """Answer a request, or raise `Wrong`."""
    for methods, pattern, reply in ROUTES:
        match = re.fullmatch(pattern, path)
        if match and method in methods.split():
            return reply(call, *match.groups())
    raise Wrong(404, f"there is no {method} {path}")


def bare(id: str) -> str:
    """`ada/nebulae` of a dataset's id and of a model's, which is kept as `models/ada/nebulae`."""
    return id.removeprefix("models/")


def page_of(call: Call, id: str) -> str:
    path = bare(id) if id.startswith("models/") else f"datasets/{id}"
    return f"{call.hub.endpoint}/{path}"


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())


def _find(repo: Repo, revision: str) -> Commit:
    found = repo.find(revision)
    if found is None:
        raise Wrong(404, "Revision not found", "RevisionNotFound")
    return found


def whoami(call: Call) -> Answer:
    user = call.user
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
    return _json(
        {
            "type": "user",
            "name": user.name,
            "orgs": orgs,
            "auth": {"type": "access_token", "accessToken": access},
        }
    )


def validate_yaml(call: Call) -> Answer:
    content = json.loads(call.body)["content"]
    whole = content.startswith("---\n") and "\n---\n" in content
    if not whole:
        return _json({"errors": [{"message": "no metadata"}], "warnings": []}, 400)
    return _json({"errors": [], "warnings": []})


def create(call: Call) -> Answer:
    asked = json.loads(call.body)
    user = call.user
    id = f"{asked.get('organization') or (user.name if user else '')}/{asked['name']}"
    id = id if asked.get("type") == "dataset" else f"models/{id}"
    call.writes(id)
    if id in call.hub.repos:
        raise Wrong(409, "You already created this repo")
    private = asked.get("private") or asked.get("visibility") == "private"
    repo = call.hub.repos[id] = Repo(id, bool(private))
    repo.commit(
        "refs/heads/main", "initial commit", {".gitattributes": Blob(b"*.parquet lfs\n", False)}, None
    )
    return _json({"url": page_of(call, id), "id": bare(id), "name": bare(id)})


def auth_check(call: Call, id: str, write: str | None) -> Answer:
    call.repo(id)
    if write:
        call.writes(id)
    return _json({})


def info(call: Call, id: str, revision: str | None = None) -> Answer:
    repo = call.repo(id)
    commit = _find(repo, revision or "main")
    return _json(
        {
            "_id": id,
            "id": bare(id),
            "author": bare(id).split("/")[0],
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


def tree(call: Call, id: str, revision: str, below: str | None) -> Answer:
    files = _find(call.repo(id), revision).files
    prefix = f"{below.strip('/')}/" if below and below.strip("/") else ""
    inside = {path: blob for path, blob in files.items() if path.startswith(prefix)}
    if prefix and not inside:
        raise Wrong(404, "Entry not found", "EntryNotFound")
    recursive = parse_qs(urlsplit(call.path).query).get("recursive", [""])[0].lower() in ("true", "1")
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
    return _json([listed[path] for path in sorted(listed)])


def paths_info(call: Call, id: str, revision: str) -> Answer:
    files = _find(call.repo(id), revision).files
    if "json" in call.headers.get("Content-Type", ""):
        wanted = json.loads(call.body)["paths"]
    else:
        wanted = parse_qs(call.body.decode()).get("paths", [])
    found = []
    for path in wanted:
        if path in files:
            found.append(files[path].entry(path))
        elif any(one.startswith(f"{path}/") for one in files):
            found.append({"type": "directory", "path": path, "size": 0, "oid": "0" * 40})
    return _json(found)


def list_refs(call: Call, id: str) -> Answer:
    repo = call.repo(id)

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
    return _json(value | {"pullRequests": under("refs/pr/")})


def commits(call: Call, id: str, revision: str) -> Answer:
    repo = call.repo(id)
    commit: Commit | None = _find(repo, revision)
    listed = []
    while commit:
        listed.append({"id": commit.oid, "title": commit.title, "message": "", "date": WHEN, "authors": []})
        commit = repo.commits.get(commit.parent or "")
    return _json(listed)


def resolve(call: Call, id: str, revision: str, path: str) -> Answer:
    commit = _find(call.repo(id), revision)
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
    if match := re.fullmatch(r"bytes=(\d*)-(\d*)", call.headers.get("Range", "")):
        first = int(match[1]) if match[1] else max(0, len(data) - int(match[2]))
        last = min(int(match[2]) if match[1] and match[2] else len(data) - 1, len(data) - 1)
        if first >= len(data):
            raise Wrong(416, "out of range")
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        data, status = data[first : last + 1], 206
    return Answer(status, data, headers)


def preupload(call: Call, id: str, revision: str) -> Answer:
    repo = call.repo(id)
    if "create_pr" not in call.path:
        call.writes(id)
    files = _find(repo, revision).files
    answers = []
    for one in json.loads(call.body)["files"]:
        lfs = one["path"].endswith(LFS_SUFFIXES) or one["size"] > 10_000_000
        known = files.get(one["path"])
        oid = (known.sha256 if known.lfs else known.oid) if known else None
        mode = "lfs" if lfs else "regular"
        answers.append({"path": one["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return _json({"files": answers})


def batch(call: Call, id: str) -> Answer:
    repo = call.repo(id)
    objects = []
    for one in json.loads(call.body)["objects"]:
        href = f"{call.hub.endpoint}/lfs/{id}/{one['oid']}"
        actions = {"upload": {"href": href}, "verify": {"href": f"{href}/verify"}}
        objects.append(one if one["oid"] in repo.objects else {**one, "actions": actions})
    return _json({"transfer": "basic", "objects": objects})


def put(call: Call, id: str, oid: str) -> Answer:
    if hashlib.sha256(call.body).hexdigest() != oid:
        raise Wrong(400, "the content is not what its name says")
    call.hub.repos[id].objects[oid] = call.body
    return Answer(headers={"ETag": f'"{oid}"'})


def verify(call: Call, id: str, oid: str) -> Answer:
    if len(call.hub.repos[id].objects.get(oid, b"")) != json.loads(call.body)["size"]:
        raise Wrong(404, "no such object")
    return _json({})


def commit(call: Call, id: str, revision: str) -> Answer:
    repo = call.repo(id)
    as_pull = "create_pr=1" in call.path
    user = call.user if as_pull else call.writes(id)
    if user is None or user.role == "read":
        raise Wrong(403, "You need a token with write access")
    if call.hub.before_commit:
        faster, call.hub.before_commit = call.hub.before_commit, None
        faster(repo)
    lines = [json.loads(line) for line in call.body.splitlines() if line]
    header = lines[0]["value"]
    base = _find(repo, revision)
    if parent := header.get("parentCommit"):
        asked = _find(repo, parent)
        if not as_pull and asked.oid != base.oid:
            raise Wrong(412, "A commit has happened since. Please refresh and try again.")
        base = asked if as_pull else base
    files = dict(base.files)
    for line in lines[1:]:
        _apply(repo, files, line["key"], line["value"])
    ref, number = _ref(repo, revision), 0
    if as_pull:
        number = len(repo.pulls) + 1
        ref = f"refs/pr/{number}"
        repo.pulls[number] = {"title": header["summary"], "status": "open", "author": user.name}
    made = repo.commit(ref, header["summary"], files, base.oid, sign=str(header.get("description")))
    page = page_of(call, id)
    pull = {"pullRequestUrl": f"{page}/discussions/{number}"} if number else {}
    return _json({"success": True, "commitOid": made.oid, "commitUrl": f"{page}/commit/{made.oid}", **pull})


def _ref(repo: Repo, revision: str) -> str:
    return revision if revision in repo.refs else f"refs/heads/{revision}"


def _apply(repo: Repo, files: dict[str, Blob], key: str, value: Mapping[str, Any]) -> None:
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


def tag(call: Call, id: str, revision: str) -> Answer:
    call.writes(id)
    repo, tag = call.repo(id), f"refs/tags/{json.loads(call.body)['tag']}"
    if tag in repo.refs:
        raise Wrong(409, "Tag reference exists already")
    repo.refs[tag] = _find(repo, revision).oid
    return _json({})


def untag(call: Call, id: str, tag: str) -> Answer:
    call.writes(id)
    if call.repo(id).refs.pop(f"refs/tags/{tag}", None) is None:
        raise Wrong(404, "no such tag", "RevisionNotFound")
    return _json({})


def squash(call: Call, id: str, branch: str) -> Answer:
    call.writes(id)
    repo = call.repo(id)
    repo.commit(f"refs/heads/{branch}", "squashed", _find(repo, branch).files, None)
    return _json({})


def lfs_files(call: Call, id: str) -> Answer:
    call.writes(id)
    names = {
        blob.sha256: path
        for commit in call.repo(id).commits.values()
        for path, blob in commit.files.items()
        if blob.lfs
    }
    return _json(
        [
            {
                "fileOid": oid,
                "filename": names.get(oid, ""),
                "oid": oid,
                "pushedAt": WHEN,
                "ref": "main",
                "size": len(data),
            }
            for oid, data in call.repo(id).objects.items()
        ]
    )


def delete_lfs(call: Call, id: str) -> Answer:
    call.writes(id)
    for oid in json.loads(call.body)["deletions"]["sha"]:
        call.repo(id).objects.pop(oid, None)
    return _json({})


def discussions(call: Call, id: str) -> Answer:
    repo = call.repo(id)
    query = {name: values[0] for name, values in parse_qs(urlsplit(call.path).query).items()}
    status = query.get("status")
    listed = [
        {
            "num": number,
            "title": pull["title"],
            "status": pull["status"],
            "author": {"name": pull["author"]},
            "createdAt": WHEN,
            "isPullRequest": True,
            "repo": {"name": bare(id), "type": "model" if id != bare(id) else "dataset"},
        }
        for number, pull in repo.pulls.items()
        if status in (None, "all", pull["status"]) and query.get("author") in (None, pull["author"])
    ]
    return _json({"discussions": listed, "count": len(listed), "start": 0})


_ID = r"([\w.-]+/[\w.-]+)"
_KEY = r"((?:models/)?[\w.-]+/[\w.-]+)"
_OF_DATASETS: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", rf"/api/datasets/{_ID}/auth-check(/write)?", auth_check),
    ("GET", rf"/api/datasets/{_ID}/revision/(.+)", info),
    ("GET", rf"/api/datasets/{_ID}/tree/(refs/(?:pr|convert)/[^/]+|[^/]+)(/.*)?", tree),
    ("POST", rf"/api/datasets/{_ID}/paths-info/(.+)", paths_info),
    ("GET", rf"/api/datasets/{_ID}/refs", list_refs),
    ("GET", rf"/api/datasets/{_ID}/commits/(.+)", commits),
    ("GET", rf"/api/datasets/{_ID}/discussions", discussions),
    ("POST", rf"/api/datasets/{_ID}/preupload/(.+)", preupload),
    ("POST", rf"/api/datasets/{_ID}/commit/(.+)", commit),
    ("POST", rf"/api/datasets/{_ID}/tag/(.+)", tag),
    ("DELETE", rf"/api/datasets/{_ID}/tag/(.+)", untag),
    ("POST", rf"/api/datasets/{_ID}/super-squash/(.+)", squash),
    ("GET", rf"/api/datasets/{_ID}/lfs-files", lfs_files),
    ("POST", rf"/api/datasets/{_ID}/lfs-files/batch", delete_lfs),
    ("GET", rf"/api/datasets/{_ID}", info),
    ("POST", rf"/datasets/{_ID}\.git/info/lfs/objects/batch", batch),
    ("GET HEAD", rf"/datasets/{_ID}/resolve/(refs/(?:pr|convert)/[^/]+|[^/]+)/(.+)", resolve),
)


def _of_models(reply: Callable[..., Answer]) -> Callable[..., Answer]:
    return lambda call, id, *rest: reply(call, f"models/{id}", *rest)


ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", r"/api/whoami-v2", whoami),
    ("POST", r"/api/validate-yaml", validate_yaml),
    ("POST", r"/api/repos/create", create),
    ("PUT", rf"/lfs/{_KEY}/([0-9a-f]{{64}})", put),
    ("POST", rf"/lfs/{_KEY}/([0-9a-f]{{64}})/verify", verify),
    *_OF_DATASETS,
    *(
        (
            methods,
            pattern.replace("/api/datasets/", "/api/models/").removeprefix("/datasets"),
            _of_models(reply),
        )
        for methods, pattern, reply in _OF_DATASETS
    ),
)
