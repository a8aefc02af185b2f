"""Words for failures of stores that lie elsewhere."""

from collectors.storage.filesystems import StoreRefused, StoreUnreachable, StoreUnusable
from collectors.storage.remote_store import ObjectDamaged
from collectors.storage.stores import FileDamaged
from collectors.storage.workspace import KeptElsewhere
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table

TABLE: Table = {
    StoreUnusable: lambda error: Failure(str(error), error.fix, Exit.INPUT),
    StoreRefused: lambda error: Failure(
        f"the store does not let us in: {error}",
        "set the credentials of its protocol in the environment (S3: AWS_ACCESS_KEY_ID,"
        " AWS_SECRET_ACCESS_KEY, or AWS_PROFILE), with the right to list, read and write there",
        Exit.CREDENTIAL,
    ),
    StoreUnreachable: lambda error: Failure(
        f"the store does not answer: {error}",
        "see whether its address is right (S3 other than Amazon's: AWS_ENDPOINT_URL) and run the same command"
        " again; nothing is lost",
        Exit.BUSY,
    ),
    ObjectDamaged: lambda error: Failure(
        str(error),
        "remove that object, then `universe-gan collect … --locked` fetches the file again",
        Exit.INPUT,
    ),
    FileDamaged: lambda error: Failure(
        f"{error}; it was removed",
        "run `universe-gan build …`, which fetches it again; see whether the disk is failing",
        Exit.INPUT,
    ),
    KeptElsewhere: lambda error: Failure(
        str(error),
        "leave --store out to go on there; or copy originals/, answers/ and synthetic/ over with a tool of"
        " the store, then write the new address into the file store.url of the workspace",
        Exit.INPUT,
    ),
}
