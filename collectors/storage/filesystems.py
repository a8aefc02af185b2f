"""Where fsspec leads (https://filesystem-spec.readthedocs.io): which addresses may be, failures in our words.

Credentials come from the environment of whoever reads and writes, as the library of the protocol takes them
(`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `FSSPEC_S3_…`): they are never in the address, in a log or in what
is sent to workers.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit

_PATIENT = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 4, "mode": "standard"}}
"""For botocore, which knows better than we do what is worth another try."""


class StoreUnusable(Exception):
    """An address that cannot be a store: of no known kind, or one that carries a password."""

    def __init__(self, url: str, problem: str, fix: str) -> None:
        super().__init__(url, problem, fix)
        self.url, self.problem, self.fix = url, problem, fix

    def __str__(self) -> str:
        return f"{self.url}: {self.problem}"


class StoreRefused(Exception):
    """The store does not let us in: no credentials, wrong ones, or ones that may not do this."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(url, problem)
        self.url, self.problem = url, problem

    def __str__(self) -> str:
        return f"{self.url}: {self.problem}"


class StoreUnreachable(Exception):
    """The store does not answer, or something on the way is broken."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(url, problem)
        self.url, self.problem = url, problem

    def __str__(self) -> str:
        return f"{self.url}: {self.problem}"


def checked(url: str) -> str:
    """The address of a store without a slash at its end. Nothing is asked. Raises `StoreUnusable`."""
    parts = urlsplit(url)
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*", parts.scheme) or "://" not in url:
        raise StoreUnusable(url, "this is no address", "name it like s3://BUCKET/FOLDER")
    if "@" in parts.netloc or parts.query:
        safe = f"{parts.scheme}://…"
        raise StoreUnusable(
            safe, "an address of a store carries no key", "put credentials into the environment"
        )
    filesystem(parts.scheme)
    return url.rstrip("/")


@cache
def filesystem(protocol: str) -> Any:
    """The file system of a protocol, one a process. Raises `StoreUnusable`."""
    import fsspec

    try:
        kind = fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        fix = "pip install 'universe-gan[s3]'" if protocol in ("s3", "s3a") else str(error)
        raise StoreUnusable(f"{protocol}://", "the package for it is not installed", fix) from error
    except ValueError as error:
        raise StoreUnusable(
            f"{protocol}://", "nothing is known of this protocol", "s3, gs, abfs, … as fsspec knows them"
        ) from error
    options = {"config_kwargs": _PATIENT} if protocol in ("s3", "s3a") else {}
    return kind(use_listings_cache=False, **options)


@contextmanager
def told(url: str) -> Iterator[None]:
    """Failures of the libraries below in our words; `FileNotFoundError` stays one.

    Raises:
        StoreRefused, StoreUnreachable: see there.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise StoreRefused(url, _first_line(error) or "permission denied") from error
    except OSError as error:
        raise StoreUnreachable(url, _first_line(error)) from error
    except _failures() as error:
        if "credential" in type(error).__name__.lower():
            raise StoreRefused(url, _first_line(error)) from error
        raise StoreUnreachable(url, _first_line(error)) from error


@contextmanager
def written(store: str, url: str) -> Iterator[None]:
    """As `told`, for what needs the bucket: what is not found then is the place itself.

    Raises:
        StoreUnusable: there is no such place.
    """
    try:
        with told(url):
            yield
    except FileNotFoundError as error:
        raise StoreUnusable(
            store, _first_line(error), "make the bucket first, or mend the address"
        ) from error


@cache
def _failures() -> tuple[type[Exception], ...]:
    """What the library of S3 raises that is no `OSError`; nothing where it is not installed."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return ()
    return BotoCoreError, ClientError


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
