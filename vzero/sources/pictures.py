"""Which picture an annotation is about, as far as annotation tools tell: VOC files above all.

VOC's own files name it in `<filename>`. ImageNet, Label Studio and old labelImg leave the extension off,
others write a whole path of the annotator's machine, there or in `<path>`, and pictures are converted or
renamed in other letters afterwards. What they have in common is the stem: the name without the extension.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

from vzero.untrusted.files import PICTURES, Images, holds, read_image
from vzero.untrusted.rejects import RejectCode, Rejected
from vzero.untrusted.tar_shards import TarShards


@dataclass(frozen=True)
class Named:
    """What a VOC file tells about its picture."""

    file: Path
    """The VOC file itself."""
    filename: str
    path: str
    folder: str


@dataclass(frozen=True)
class Pictures:
    """The pictures of a data set, found by name."""

    images: Images
    _listed: dict[Path, dict[str, list[str]]] = field(default_factory=dict)
    """By folder: names of its pictures by their stem in small letters."""

    def find(self, named: Named) -> tuple[str | bytes, bool]:
        """A path in the images, or the bytes of a picture beside the file; and whether it is not as named.

        Raises Rejected when different pictures may be meant, or none.
        """
        stems = [stem for name in (named.filename, named.path) if (stem := _stem(_base(name)))]
        told: str | bytes | None = named.filename if holds(self.images, named.filename) else None
        for stem in stems:
            told = told or self._search(stem, named)
        own = named.file.stem
        by_file = None if stems and stems[0].casefold() == own.casefold() else self._search(own, named)
        if told and by_file and told != by_file:
            what = f"{named.filename[:80]!r} and a picture with the name of the file itself are both there"
            raise Rejected(RejectCode.AMBIGUOUS_IMAGE, what)
        if not (found := told or by_file or named.filename):
            raise Rejected(RejectCode.MISSING_IMAGE, "no filename, and no picture with the name of the file")
        return found, found != named.filename

    def of_name(self, name: str) -> tuple[str, bool]:
        """A path in the images for a name that may lack its extension; and whether it is not as named.

        Raises Rejected when different pictures may be meant.
        """
        path = PurePosixPath(name)
        if holds(self.images, name) or path.is_absolute() or ".." in path.parts:
            return name, False
        folder = "" if str(path.parent) == "." else str(path.parent)
        stem = _stem(path.name)
        found = _only(self._of_stem(folder, stem), stem, Named(Path(name), name, "", ""))
        return found or name, found is not None

    def _search(self, stem: str, named: Named) -> str | bytes | None:
        """The picture of this stem in the images, in their folder of the named name, or beside the file."""
        folders = dict.fromkeys(("", _base(named.folder)))
        names = [name for folder in folders for name in self._of_stem(folder, stem)]
        if name := _only(names, stem, named):
            return name
        beside = self._pictures_in(named.file.parent).get(stem.casefold(), [])
        name = _only(beside, stem, named)
        return read_image(named.file.parent, name) if name else None

    def _of_stem(self, folder: str, stem: str) -> list[str]:
        start = f"{folder}/" if folder else ""
        if isinstance(self.images, TarShards):
            names = self.images.names(f"{start}{stem}.")
            return [name for name in names if _stem(name) == f"{start}{stem}"]
        found = self._pictures_in(self.images / folder).get(stem.casefold(), [])
        return [start + name for name in found]

    def _pictures_in(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._listed:
            names: list[str] = []
            with contextlib.suppress(OSError):  # no such folder
                names = sorted(entry.name for entry in folder.iterdir())
            by_stem = self._listed[folder] = {}
            for name in names:
                if (stem := _stem(name)) != name:
                    by_stem.setdefault(stem.casefold(), []).append(name)
        return self._listed[folder]


def _only(names: Sequence[str], stem: str, named: Named) -> str | None:
    """The one that is meant, of names that differ in the case of letters and in their extension."""
    in_these_letters = [name for name in names if _stem(_base(name)) == stem] or names
    told = [name for name in in_these_letters if _base(name) in (_base(named.filename), _base(named.path))]
    meant = told or in_these_letters
    if len(meant) > 1:
        raise Rejected(
            RejectCode.AMBIGUOUS_IMAGE, f"{len(meant)} pictures of one name: {', '.join(meant[:3])[:200]}"
        )
    return meant[0] if meant else None


def _base(path: str) -> str:
    """The last part of a path as any system writes it; nothing where that leads elsewhere."""
    last = re.split(r"[/\\]", path)[-1]
    return "" if last in (".", "..") else last


def _stem(name: str) -> str:
    """Without the extension of a picture: names have dots of their own."""
    extension = PurePath(name).suffix
    return name.removesuffix(extension) if extension.lower() in PICTURES else name
