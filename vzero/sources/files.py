"""Reading annotated image paths without ever leaving the image folder."""

from __future__ import annotations

from pathlib import Path

from vzero.sources.rejects import RejectCode, Rejected


def read_image(folder: Path, name: str) -> bytes:
    """The bytes of the file that `name` means inside `folder`.

    Symbolic links are followed first, so neither they nor `..` nor an absolute path lead out.
    """
    try:
        path = (folder / name).resolve()
        inside = path.is_relative_to(folder.resolve())
        found = path.is_file()
    # Names that no file can have: with a null character, half a character, too long, or a loop of links.
    except (OSError, ValueError, RuntimeError) as error:
        raise Rejected(RejectCode.MISSING_IMAGE, f"no possible path: {error}") from error
    if not inside:
        raise Rejected(RejectCode.PATH_ESCAPE, "leads out of the image folder")
    if not found:
        what = "not a file" if path.exists() else "no such file"
        raise Rejected(RejectCode.MISSING_IMAGE, what)
    try:
        return path.read_bytes()
    except OSError as error:
        raise Rejected(RejectCode.UNREADABLE_IMAGE, error.strerror or str(error)) from error
