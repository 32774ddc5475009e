"""Reading annotated image paths, from a folder or from tar files, without ever leaving them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vzero.errors import SourceError
from vzero.untrusted.rejects import RejectCode, Rejected
from vzero.untrusted.tar_shards import LARGEST_MEMBER, Progress, TarShards, is_tar, open_shards

Images = Path | TarShards

PICTURES = (".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def open_images(place: Path, scratch: Path, advance: Progress = lambda done, total: None) -> Images:
    """What a path in the params holds: a folder of images, a tar file, or a folder of tar files.

    `advance` is told how far tar files are indexed that were not before.
    Raises SourceError when it is none of these, or when it could be two of them.
    """
    if place.is_file() and is_tar(place):
        return open_shards(place, [place], scratch, advance)
    if not place.is_dir():
        raise SourceError(f"{place}: no such image folder or tar file")
    visible = [path for path in sorted(place.iterdir()) if not path.name.startswith(".")]
    tars = [path for path in visible if path.is_file() and is_tar(path)]
    loose = [path for path in visible if path.is_dir() or path.suffix.lower() in PICTURES]
    others = [path for path in visible if path.is_file() and ".tar." in path.name and not is_tar(path)]
    if loose and not tars:
        return place
    if tars and loose:
        raise SourceError(
            f"{place} holds both tar files ({tars[0].name}) and unpacked ones ({loose[0].name}); "
            "which are meant is not guessed: move one kind away"
        )
    if others:
        raise SourceError(
            f"{others[0]}: not a tar file that is read; put split parts together with `cat`, and unpack "
            "other compressions than gzip"
        )
    return open_shards(place, tars, scratch, advance) if tars else place


def image_places(images: Images | None) -> list[Path]:
    """The files and folders that images are read from."""
    if images is None:
        return []
    return [images.place if isinstance(images, TarShards) else images]


def unwatched(places: Sequence[Path], watched: Path) -> list[Path]:
    """Folders of files that DVC does not look at when a stage depends on the folder `watched`.

    They lie elsewhere, or are links right in a folder of `places`: DVC enters no linked folder.
    """
    folders = {place if place.is_dir() else place.parent for place in places}
    outside = {folder for folder in folders if not folder.resolve().is_relative_to(watched.resolve())}
    entries = (entry for folder in folders.intersection(places) - outside for entry in os.scandir(folder))
    linked = {Path(entry.path) for entry in entries if entry.is_symlink() and entry.is_dir()}
    return sorted(outside | linked)


def read_image(images: Images, name: str) -> bytes:
    """The bytes of what `name` means inside a folder or in tar files.

    A name leads out of a folder by `..` or as an absolute path, and is refused. Symbolic links in the folder
    are followed wherever they lead: its owner made them, not the writer of the rows, and shared data is often
    linked file by file (DVC's and the Hugging Face hub's caches do so).
    """
    if isinstance(images, TarShards):
        return images.read(name)
    path = _inside(images, name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise Rejected(RejectCode.UNREADABLE_IMAGE, error.strerror or str(error)) from error


def holds(images: Images, name: str) -> bool:
    """Whether `read_image` finds a file of this name."""
    if isinstance(images, TarShards):
        return name in images.names(name)
    try:
        _inside(images, name)
    except Rejected as rejected:
        return rejected.code == RejectCode.HUGE_IMAGE
    return True


def _inside(images: Path, name: str) -> Path:
    """The file of this name in the folder. Raises Rejected when there is none that can be read."""
    try:
        # Before links are followed `..` means what it says.
        path = Path(os.path.normpath(images / name))
        inside = path.is_relative_to(os.path.normpath(images))
        if not inside:  # or the folder itself is a link, and an absolute name says where it leads
            path = (images / name).resolve()
            inside = path.is_relative_to(images.resolve())
        found = path.is_file()
        large = found and path.stat().st_size > LARGEST_MEMBER
    # Names that no file can have: with a null character, half a character, too long, or a loop of links.
    except (OSError, ValueError, RuntimeError) as error:
        raise Rejected(RejectCode.MISSING_IMAGE, f"no possible path: {error}") from error
    if not inside:
        raise Rejected(RejectCode.PATH_ESCAPE, "leads out of the image folder")
    if not found:
        what = "not a file" if path.exists() else "no such file"
        raise Rejected(RejectCode.MISSING_IMAGE, what)
    if large:
        raise Rejected(RejectCode.HUGE_IMAGE, f"more than {LARGEST_MEMBER:,} bytes")
    return path
