"""A store in S3 for tests: moto's server on loopback, and what a machine needs to find it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import moto.server
import pytest
import s3fs

from collectors.storage import filesystems, remote_store

SECRET = "aSecretThatNobodyMaySee"
BUCKET = "sky"


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server that lasts as long."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.server.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def bucket(endpoint: str, cache: Path, patch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of the empty bucket `BUCKET`; this process and its children find it by their environment."""
    patch.setenv("AWS_ENDPOINT_URL", endpoint)
    patch.setenv("AWS_ACCESS_KEY_ID", "ada")
    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    patch.setenv("XDG_CACHE_HOME", str(cache))
    forget()
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        client.delete_object(Bucket=BUCKET, Key=one["Key"])
    forget()


def forget() -> None:
    """What this process remembers of stores; a new process remembers nothing."""
    filesystems.filesystem.cache_clear()
    remote_store._listed.cache_clear()
    remote_store._demand_bucket.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()


def keys(client: Any, prefix: str) -> set[str]:
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
    return {one["Key"].removeprefix(prefix) for one in found}
