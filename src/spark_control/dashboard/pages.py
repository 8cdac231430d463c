"""The files of the page as one set: read once, named by what is in them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from spark_control.dashboard.errors import AssetUnknown

KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
LINK = '="assets/'
"""How the page begins a link to one of its files; the version is put behind it."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page."""

    body: bytes
    kind: str


@dataclass(frozen=True, slots=True)
class Page:
    """The page. `version` changes with any byte of any file, so files may be kept for ever."""

    index: bytes
    docs: bytes
    version: str
    assets: Mapping[str, Asset]

    def asset(self, version: str, name: str) -> Asset:
        """Return one file. Raises AssetUnknown, also for a version that is not this one."""
        if version != self.version or name not in self.assets:
            raise AssetUnknown(f"The page has no file {name!r} in version {version!r}.")
        return self.assets[name]


def read(folder: Traversable | None = None) -> Page:
    """Read the page that ships with the package, or one from another folder."""
    static = folder or resources.files("spark_control.dashboard").joinpath("static")
    assets = {
        file.name: Asset(file.read_bytes(), KINDS[suffix])
        for file in static.joinpath("assets").iterdir()
        if (suffix := "." + file.name.rpartition(".")[2]) in KINDS
    }
    index, docs = (
        static.joinpath(name).read_text("utf-8") for name in ("index.html", "docs.html")
    )
    version = _version(index + docs, assets)
    linked = [text.replace(LINK, f"{LINK}{version}/").encode() for text in (index, docs)]
    return Page(linked[0], linked[1], version, assets)


def _version(pages: str, assets: Mapping[str, Asset]) -> str:
    seen = hashlib.sha256(pages.encode())
    for name in sorted(assets):
        seen.update(name.encode() + b"\0" + assets[name].body + b"\0")
    return seen.hexdigest()[:16]
