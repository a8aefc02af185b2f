"""Words for failures of collecting: sources, their answers and keys, manifests, sidecars."""

import os

from collectors.collect import NothingFound
from collectors.commons import AnotherWiki, CategoryMissing, NotAWiki, WikiRefused
from collectors.deviantart.api import DeviantArtRefused, NotDeviantArt
from collectors.deviantart.page import PageChanged
from collectors.flickr.api import FlickrRefused, NotFlickr
from collectors.folder import OutsideFolder, SidecarBroken
from collectors.manifest import ManifestBroken, ManifestTooNew
from collectors.nasa.library import NasaRefused, NotNasa
from collectors.permissions import PermissionsBroken
from collectors.source import KeyMissing, KeyRefused
from collectors.web.polite import AddressRefused, HostBusy, NoContact, RedirectRefused, valid_contact
from collectors.web.reach import Net
from universe_gan.shell.datasets.asking import CONTACT
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table

_CONTACT = f"export {CONTACT}=you@example.org (e-mail or web page; it goes into the User-Agent)"


def _no_contact(error: NoContact) -> Failure:
    return Failure(
        f"{error.host} may only be asked by somebody who can be reached, and no valid contact is set",
        _CONTACT,
        Exit.CREDENTIAL,
    )


def _keys_missing(error: KeyMissing) -> Failure:
    cures = []
    for where in dict.fromkeys(error.missing.values()):
        names = [name for name, at in error.missing.items() if at == where]
        cures.append(f"export {' '.join(f'{name}=…' for name in names)} (from {where})")
    are = "is" if len(error.missing) == 1 else "are"
    what = f"{', '.join(error.missing)} {are} not set"
    if error.host and not valid_contact(os.environ.get(CONTACT)):
        what += f"; and no valid contact is set, without which {error.host} may not be asked"
        cures.append(_CONTACT)
    return Failure(what, "; ".join(cures), Exit.CREDENTIAL)


def _out_of_reach(error: AddressRefused) -> Failure:
    if error.net is Net.NOWHERE:
        return Failure(
            f"{error.host} serves no pictures (link-local, reserved, or a cloud's own); it was not asked",
            "correct the address, or ask where it comes from",
            Exit.INPUT,
        )
    return Failure(
        f"{error.host} lies in {error.net}, in which the recipe names no server; it was not asked",
        "if it is your own mirror, name it in the recipe (`api`); else ask where its address comes from",
        Exit.INPUT,
    )


def _not_the_service(error: NotNasa | NotFlickr | NotDeviantArt) -> Failure:
    return Failure(
        f"{error.api} does not answer as it should: {error.detail}",
        "check the api address in the recipe, or leave it out",
        Exit.INPUT,
    )


TABLE: Table = {
    NoContact: _no_contact,
    HostBusy: lambda error: Failure(
        f"{error.host} does not serve us now: {error.detail}",
        "check your own connection; if it is fine, wait and run the same command again; nothing is lost",
        Exit.BUSY,
    ),
    AddressRefused: _out_of_reach,
    RedirectRefused: lambda error: Failure(
        f"{error.url} redirects to {error.target}, where we do not go: {error.why}",
        "check the address in the recipe",
        Exit.INPUT,
    ),
    CategoryMissing: lambda error: Failure(
        f"Category:{error.category} does not exist at {error.api}",
        "look the name up on the wiki (capitals matter) and edit [collect.commons] categories",
        Exit.INPUT,
    ),
    NotAWiki: lambda error: Failure(
        f"{error.api} does not answer like a MediaWiki API: {error.detail}",
        "set [collect.commons] api to the address that ends in api.php",
        Exit.INPUT,
    ),
    AnotherWiki: lambda error: Failure(
        f"{error.uid} is in the manifest, and {error.api} is another wiki ({error.slug})",
        "set [collect.commons] api to the wiki the manifest was collected from",
        Exit.INPUT,
    ),
    WikiRefused: lambda error: Failure(
        f"the wiki refused the question: {error.code}: {error.info}",
        "read the message; if the wiki is read-only or overloaded, run the same command again later",
        Exit.BUSY,
    ),
    NothingFound: lambda error: Failure(
        f"nothing found: the source holds no image for {', '.join(error.asked)}",
        "check names and spelling, raise depth, or choose other categories",
        Exit.INPUT,
    ),
    SidecarBroken: lambda error: Failure(
        str(error), "correct the sidecar, or [collect.folder] in the recipe", Exit.INPUT
    ),
    OutsideFolder: lambda error: Failure(
        str(error), "put the file into the folder and name it there; nothing was touched", Exit.INPUT
    ),
    ManifestTooNew: lambda error: Failure(
        f"{error.path} has format {error.format} (by version {error.tool}), which this version cannot read",
        "pip install --upgrade universe-gan",
        Exit.INPUT,
    ),
    KeyMissing: _keys_missing,
    KeyRefused: lambda error: Failure(
        f"{error.source} refuses the key: {error.detail}",
        "check the environment variables that `universe-gan sources` names",
        Exit.CREDENTIAL,
    ),
    NotNasa: _not_the_service,
    NotFlickr: _not_the_service,
    NotDeviantArt: _not_the_service,
    NasaRefused: lambda error: Failure(
        f"NASA's image library refused the question (HTTP {error.status}): {error.reason}",
        "read the message; narrow [collect.nasa] query or years",
        Exit.INPUT,
    ),
    FlickrRefused: lambda error: Failure(
        f"Flickr refused {error.method} ({error.code}): {error.message}",
        "read the message; check [collect.flickr]",
        Exit.INPUT,
    ),
    DeviantArtRefused: lambda error: Failure(
        f"DeviantArt refused {error.path} (HTTP {error.status}): {error.detail}",
        "read the message; check [collect.deviantart]",
        Exit.INPUT,
    ),
    PageChanged: lambda error: Failure(
        f"DeviantArt changed its pages: {error.looked_for} was not found in that of {error.deviation}",
        "look for a newer version of universe-gan; nothing was guessed, and nothing is lost",
        Exit.BUSY,
    ),
    PermissionsBroken: lambda error: Failure(
        "\n  ".join([f"{error.path} cannot be relied on", *error.problems]),
        "correct the file; nothing was touched",
        Exit.INPUT,
    ),
    ManifestBroken: lambda error: Failure(
        str(error),
        f"restore it (`git checkout {error.path}`), or write it again:"
        f" `universe-gan collect {error.path.with_suffix('.toml')}`",
        Exit.INPUT,
    ),
}
