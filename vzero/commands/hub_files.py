"""One file of a hub's repository, downloaded block by block, taken up again where it was, and checked.

`hf_hub_download` keeps nothing of an interrupted file (huggingface_hub 2.4), and sets come as tar files of
several gigabytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from huggingface_hub import HfFileSystem
from huggingface_hub.hf_api import RepoFile

from vzero.errors import SourceError
from vzero.locks import held

BLOCK = 2**24  # bytes of a request


@dataclass(frozen=True)
class Repository:
    """A data set at a commit."""

    name: str
    revision: str
    hub: HfFileSystem = field(default_factory=lambda: HfFileSystem(skip_instance_cache=True))

    def open(self, file: RepoFile):
        """Read-only; what is read is asked for, and nothing else."""
        place = f"datasets/{self.name}@{self.revision}/{file.path}"
        return self.hub.open(place, "rb", block_size=BLOCK, cache_type="none")


def download(repository: Repository, file: RepoFile, folder: Path, advance: Callable[[int], None]) -> Path:
    """The file in `folder`, which holds it under its own name only when it is whole and right.

    Of several processes that want it one downloads and the others wait. `advance` is told of bytes that are
    there. Raises SourceError for a file that is not what the hub says it is.
    """
    name = PurePosixPath(file.path)
    if name.is_absolute() or ".." in name.parts:
        raise SourceError(f"{repository.name}: a file named {file.path!r} leads out of the folder")
    target = folder / name
    with held(target):
        if not (target.is_file() and target.stat().st_size == file.size):
            _fetch(repository, file, target, advance)
            return target
    advance(file.size)
    if _checksum(file, target) != _stated(file):
        raise _wrong(file, target)
    return target


def _fetch(repository: Repository, file: RepoFile, target: Path, advance: Callable[[int], None]) -> None:
    part = target.with_name(f".{target.name}.{_stated(file)[:12]}.tmp")
    with part.open("ab") as local:
        advance(done := local.tell())
        if done < file.size:
            with repository.open(file) as opened:
                opened.seek(done)
                while block := opened.read(BLOCK):
                    local.write(block)
                    local.flush()
                    advance(len(block))
    if _checksum(file, part) != _stated(file):
        part.unlink()
        raise _wrong(file, target)
    part.replace(target)


def _wrong(file: RepoFile, target: Path) -> SourceError:
    return SourceError(f"{target}: not what the hub says it is ({_stated(file)}); remove it and fetch again")


def _stated(file: RepoFile) -> str:
    """Of large files a sha256, of others the name that git gives its blob."""
    return file.lfs.sha256 if file.lfs else file.blob_id


def _checksum(file: RepoFile, path: Path) -> str:
    if file.lfs is None:
        return hashlib.sha1(b"blob %d\0" % path.stat().st_size + path.read_bytes()).hexdigest()
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
