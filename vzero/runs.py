"""Scratch folders of runs: one for each exact run of a stage, held by the process that works in it.

The folder is `.vzero/STAGE/KEY`, with a hash of everything the result depends on as KEY: config, inputs, and
the modules that the stage imports. So an interrupted run is picked up where it was, a changed parameter
starts clean, and runs that differ are at work side by side. All of them publish into the same places under
`data/`, one after the other: what lies there is of one run, the last to finish.

When a run starts, old folders of its stage go, but never one that a process works in:

- a killed run's after a week without work, since a week is time enough to notice and to start it again;
- a finished run's when three others have finished after it. Only training leaves one: started again, it
  publishes without a step. Three keep a comparison at hand, and each may hold a checkpoint of many gigabytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vzero.errors import ChangedError
from vzero.imports import import_closure
from vzero.locks import DYING, AtWork, held
from vzero.shards import (
    UNFINISHED,
    atomic_folder,
    content_hash,
    discard,
    listing_hash,
    make_folder,
    remove,
    write_json,
)

KILLED_KEPT = 7 * 24 * 3600.0  # seconds
FINISHED_KEPT = 3
INPUTS, FINISHED, CHECKPOINTS = "inputs.json", "finished", "checkpoints"  # in a run's folder
KEY = re.compile(r"\.?([0-9a-f]{16})(\..*)?")  # names that belong to a run


@contextlib.contextmanager
def run_folder(
    scratch: Path, stage: str, *, code: str, config: Any, inputs: list[Path], seen: str | None = None
) -> Iterator[Path]:
    """The scratch folder of this exact run, for as long as the block works in it.

    `code` is the module that does the work; `seen` the `listing_hash` of the inputs from before the first of
    them was read, if that was before this call. Raises AtWork when another process works in the same folder,
    and ChangedError when the inputs change meanwhile.
    """
    seen = seen or listing_hash(inputs)
    content = content_hash(*inputs)
    if listing_hash(inputs) != seen:
        raise _changed(inputs)
    modules = {name: content_hash(file) for name, file in import_closure(code).items()}
    key = hashlib.sha256(json.dumps([stage, config, content, modules]).encode()).hexdigest()[:16]
    folder = scratch / stage / key
    make_folder(folder.parent)
    with held(folder, patience=DYING):
        _remove_old(folder)
        if _other_inputs(folder, seen) and not (folder / CHECKPOINTS).is_dir():
            discard(folder)
        make_folder(folder)
        for leftover in list(folder.rglob(UNFINISHED)):
            remove(leftover)
        (folder / FINISHED).unlink(missing_ok=True)
        _remember(folder, inputs, seen, content)
        yield folder
        if folder.is_dir():
            (folder / FINISHED).touch()


def check_inputs(folder: Path) -> None:
    """Raises ChangedError when the inputs of the run in `folder` are not what they were when it started.

    What was read since the last such check may then be of either. Cheap as long as no file was written anew.
    """
    known = json.loads((folder / INPUTS).read_text())
    inputs = [Path(path) for path in known["inputs"]]
    seen = listing_hash(inputs)
    if seen == known["seen"]:
        return
    if content_hash(*inputs) != known["content"]:
        raise _changed(inputs)
    _remember(folder, inputs, seen, known["content"])


def check_inputs_or_discard(folder: Path) -> None:
    """The same for work that has no checkpoints: any part of what is in the folder may be of other inputs."""
    try:
        check_inputs(folder)
    except ChangedError:
        discard(folder)
        raise


def _other_inputs(folder: Path, seen: str) -> bool:
    """Whether the inputs were written anew since a killed run began to read them.

    Their contents are the same again, but what was made in between may be of others. Only what a checkpoint
    holds was checked.
    """
    known = folder / INPUTS
    return known.is_file() and json.loads(known.read_text())["seen"] != seen


def _changed(inputs: list[Path]) -> ChangedError:
    names = ", ".join(map(str, inputs))
    return ChangedError(f"changed while this run was reading it: one of {names}; run the same command again")


def _remember(folder: Path, inputs: list[Path], seen: str, content: str) -> None:
    write_json(folder / INPUTS, {"inputs": [str(path) for path in inputs], "seen": seen, "content": content})


def _remove_old(current: Path) -> None:
    """Remove what the rule above lets go of the stage's other runs, and what was half removed before."""
    stage = current.parent
    others = [mark for mark in stage.glob(f"*/{FINISHED}") if mark.parent != current]
    kept = {mark.parent for mark in sorted(others, key=_modified)[-FINISHED_KEPT:]}
    for key in {match[1] for path in stage.iterdir() if (match := KEY.fullmatch(path.name))}:
        other = stage / key
        if other == current:
            continue
        # Of a project that several people share, each removes what is theirs.
        with contextlib.suppress(AtWork, PermissionError), held(other, patience=0):
            finished = (other / FINISHED).exists()
            old = other not in kept if finished else time.time() - _last_work(other) > KILLED_KEPT
            if old or not other.is_dir():
                discard(other)


def _last_work(folder: Path) -> float:
    """When something was last put into the folder or one of those in it."""
    return max(map(_modified, [folder, *folder.glob("*")]))


def _modified(path: Path) -> float:
    """0 for what another process has just removed."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def is_at_work(scratch: Path, stage: str) -> bool:
    """Whether any run of a stage is at work."""
    for lock in list((scratch / stage).glob(".*.tmp")):
        if match := KEY.fullmatch(lock.name):
            try:
                with held(scratch / stage / match[1], patience=0):
                    pass
            except AtWork:
                return True
    return False


@contextlib.contextmanager
def publishing(folder: Path) -> Iterator[None]:
    """Only the run in `folder` publishes its stage's outputs, so that all are of one run; others wait."""
    with held(folder.parent / "publish"):
        yield


def publish(source: Path, target: Path) -> None:
    """Put a finished folder in its place, replacing what was there.

    The source stays, so that a stage killed between two of its tables publishes both again. Files are hard
    links to it where the file system has them: nothing here ever writes into an existing file.
    """
    with atomic_folder(target) as folder:
        unfinished = shutil.ignore_patterns(UNFINISHED)
        shutil.copytree(source, folder, ignore=unfinished, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, target: str) -> None:
    try:
        Path(target).hardlink_to(source)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
