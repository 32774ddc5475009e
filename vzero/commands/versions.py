"""The files of a table at a revision of the project, by DVC: their hashes, and where each one lies.

The one module of the package that asks DVC: versions of the data are DVC's, and only it knows where it keeps
them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dvc.exceptions import NotDvcRepoError, OutputNotFoundError
from dvc.repo import Repo
from dvc.scm import NoSCMError, RevError, resolve_rev
from dvc_data.hashfile.hash import hash_file

from vzero import shards
from vzero.errors import UserError

WORKSPACE = "workspace"


class VersionError(UserError):
    """A revision is unknown, lacks the table, or is not in DVC's cache."""


def files_at(root: Path, revision: str, table: Path) -> dict[str, Path]:
    """The Parquet files of a table, keyed by the MD5 of their bytes.

    `table` is a folder or file relative to `root`; `revision` is what git takes, or `workspace` for what lies
    there now. Raises VersionError when there is no such revision or table, or a file is not in the cache.
    """
    try:
        with Repo(str(root)) as repo:
            if revision == WORKSPACE:
                return _lying(repo, root / table)
            resolve_rev(repo.scm, revision)
            with repo.switch(revision):
                return _stored(repo, revision, table)
    except NotDvcRepoError as error:
        raise VersionError(f"{root.resolve()}: no DVC project, so its data has no versions") from error
    except NoSCMError as error:
        raise VersionError(f"{root.resolve()}: in no git repository, so it has no revisions") from error
    except RevError as error:
        raise VersionError(
            f"unknown revision {revision!r}: name a commit, branch or tag, or {WORKSPACE}"
        ) from error


def _lying(repo: Repo, place: Path) -> dict[str, Path]:
    files = shards.files(place) if place.is_dir() else [place]
    if not files or not files[0].is_file():
        raise VersionError(f"{place}: no table there; run the stage that writes it, or `dvc pull`")
    # DVC remembers hashes of files that did not change.
    return {str(hash_file(str(file.resolve()), repo.fs, "md5", repo.state)[1].value): file for file in files}


def _stored(repo: Repo, revision: str, table: Path) -> dict[str, Path]:
    try:
        out = repo.find_outs_by_path(repo.fs.join(repo.root_dir, *table.parts))[0]
    except OutputNotFoundError as error:
        raise VersionError(f"{revision} has no {table}") from error
    if not out.hash_info:
        raise VersionError(f"{revision} says nothing of {table}: its dvc.lock has no version of it")
    return {file: _cached(out, file, revision) for file in _hashes(out, revision)}


def _hashes(out: Any, revision: str) -> list[str]:
    if not out.is_dir_checksum:
        return [str(out.hash_info.value)]
    listing = out.get_obj()
    if listing is None:
        raise VersionError(_absent(str(out), revision))
    return [str(info.value) for _, _, info in listing]


def _cached(out: Any, file: str, revision: str) -> Path:
    path = Path(out.cache.oid_to_path(file))
    if not path.is_file():
        raise VersionError(_absent(str(out), revision))
    return path


def _absent(table: str, revision: str) -> str:
    return (
        f"{table} of {revision} is not in DVC's cache: check that revision out and run `dvc pull`, "
        "or `dvc fetch --all-commits` here"
    )
