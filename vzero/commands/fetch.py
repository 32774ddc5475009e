"""Download a benchmark's published files, for people to run once. No stage ever does."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Sequence
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants

from vzero.benchmarks.catalogue import CATALOGUE
from vzero.benchmarks.declaration import Published
from vzero.errors import ConfigError, SourceError


def fetch(name: str, out: Path) -> Path:
    """Download into `out/name`; the file, or the folder of several, that `ingest.benchmarks` can name.

    Raises SourceError when no hub can be reached, which says what to get and where to put it, and for a file
    whose md5 is not the published one.
    """
    published = CATALOGUE[name].published
    if published is None:
        raise ConfigError(f"{name} is drawn by `vzero ingest`; there is nothing to fetch")
    folder = out / name
    if constants.HF_HUB_OFFLINE:
        raise SourceError(f"HF_HUB_OFFLINE is set: {_by_hand(published, folder)}")
    try:
        files = [_download(published.repository, file, folder) for file in _listed(published)]
    except Exception as error:  # the network, the hub and the disk each fail in their own ways
        raise SourceError(f"{_first_line(error)}: {_by_hand(published, folder)}") from error
    if not files:
        raise SourceError(f"{published.repository} has no {' or '.join(published.files)}")
    if published.md5 is not None:
        _check(files[0], published.md5)
    return files[0] if len(files) == 1 else folder


def _download(repository: str, file: str, folder: Path) -> Path:
    return Path(huggingface_hub.hf_hub_download(repository, file, repo_type="dataset", local_dir=folder))


def _listed(published: Published) -> Sequence[str]:
    """Names of the files in the repository; asked for only where there are globs."""
    if not any("*" in name for name in published.files):
        return published.files
    there = huggingface_hub.HfApi().list_repo_files(published.repository, repo_type="dataset")
    return [name for name in there if any(fnmatch.fnmatch(name, glob) for glob in published.files)]


def _by_hand(published: Published, folder: Path) -> str:
    files = ", ".join(published.files)
    return f"get {files} of the dataset {published.repository} elsewhere and put it into {folder}/"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _check(file: Path, expected: str) -> None:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "md5").hexdigest()
    if found != expected:
        raise SourceError(
            f"{file}: md5 {found}, the published file has {expected}; remove it and fetch again"
        )
