"""Download a benchmark's or a training set's published files, for people to run once. No stage ever does.

An interrupted download goes on where it was, and the same command again gets only what is missing.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.hf_api import RepoFile
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn

from vzero.benchmarks.catalogue import CATALOGUE
from vzero.benchmarks.declaration import Published
from vzero.commands.hub_files import Repository, download
from vzero.commands.training_sets import SETS
from vzero.errors import ConfigError, SourceError
from vzero.progress import LoggedProgress

BENCHMARKS, TRAINING = Path("data/raw/benchmarks"), Path("data/raw")


@dataclass(frozen=True)
class Fetched:
    place: Path
    """The file, or the folder of several."""
    params: str
    """For params.yaml."""
    revision: str
    """Commit of the repository."""
    without: str = ""
    """What has to be got elsewhere; "" if nothing."""


def fetch(name: str, out: Path | None) -> Fetched:
    """Download into a folder of `out`, of data/raw by default.

    Raises SourceError when no hub can be reached, which says what to get and where to put it, and for a file
    that is not what the hub says it is.
    """
    if name in SETS:
        chosen = SETS[name]
        folder = (out or TRAINING) / chosen.folder
        revision, _ = _download(chosen.published, folder)
        section = ", ".join(f"{key}: {value}" for key, value in chosen.settings(folder).items())
        return Fetched(folder, f"ingest: {{source: {name}, {name}: {{{section}}}}}", revision, chosen.without)
    published = CATALOGUE[name].published
    if published is None:
        raise ConfigError(f"{name} is drawn by `vzero ingest`; there is nothing to fetch")
    folder = (out or BENCHMARKS) / name
    revision, files = _download(published, folder)
    place = files[0] if len(files) == 1 else folder
    return Fetched(place, f"ingest: {{benchmarks: {{{name}: {place}}}}}", revision)


def _download(published: Published, folder: Path) -> tuple[str, list[Path]]:
    """The commit that was taken, and its files."""
    if constants.HF_HUB_OFFLINE:
        raise SourceError(f"HF_HUB_OFFLINE is set: {_by_hand(published, folder)}")
    try:
        revision, wanted = _listed(published)
        total = sum(file.size for file in wanted)
        columns = "{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn()
        with LoggedProgress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(f"fetch: bytes of {published.repository}", total=total)
            repository, advance = Repository(published.repository, revision), partial(progress.advance, task)
            files = [download(repository, file, folder, advance) for file in wanted]
    except SourceError:
        raise
    except Exception as error:  # the network, the hub and the disk each fail in their own ways
        raise SourceError(f"{_first_line(error)}: {_by_hand(published, folder)}") from error
    if not files:
        raise SourceError(f"{published.repository} has no {' or '.join(published.files)}")
    if published.md5 is not None:
        _check(files[0], published.md5)
    return revision, files


def _listed(published: Published) -> tuple[str, Sequence[RepoFile]]:
    """The newest commit, and the wanted files of it."""
    hub = huggingface_hub.HfApi()
    info = hub.dataset_info(published.repository)
    assert info.sha is not None
    there = [sibling.rfilename for sibling in info.siblings or ()]
    names = [name for name in there if any(fnmatch.fnmatch(name, glob) for glob in published.files)]
    found = hub.get_paths_info(published.repository, names, revision=info.sha, repo_type="dataset")
    return info.sha, [file for file in found if isinstance(file, RepoFile)]


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
