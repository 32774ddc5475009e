"""Images inside tar files, as large data sets publish them: an index made once, then reads by offset.

The index is an SQLite file, so that millions of names need no memory and every process can ask it. Nothing
is ever unpacked under a name that a tar file chose. Compressed shards have no offsets; they are unpacked
once to plain tar files beside the index.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import sqlite3
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from vzero import shards
from vzero.errors import SourceError
from vzero.locks import held
from vzero.runs import is_at_work
from vzero.untrusted.rejects import RejectCode, Rejected

PLAIN, COMPRESSED = (".tar",), (".tar.gz", ".tgz")
Progress = Callable[[int, int], None]  # bytes done, and of all

LAYOUT = 1  # part of the index's name; raise it when the tables change
MOST_MEMBERS = 50_000_000  # SA-1B, the largest set in tar shards, has 22 million
LARGEST_MEMBER = 2**30  # bytes that are read at once
MOST_NAMES = 100  # that are looked up at once
LARGEST_HEADER = 2**16  # bytes of a long name and the like; parsing takes the square of their number
UNPACKED_SLACK, UNPACKED_RATIO = 2**26, 20  # images hardly shrink; more is a decompression bomb
END = bytes(512)  # a tar file ends with blocks of zeros
BLOCK = 2**20

TABLES = """
create table shards (number integer primary key, path text);
create table members (
    name blob primary key, shard integer, place integer, length integer, code text, detail text
) without rowid;
"""


@dataclass(frozen=True)
class TarShards:
    """Images of one or more tar files."""

    place: Path
    """The tar file, or the folder of them."""
    index: Path

    def read(self, name: str) -> bytes:
        """The bytes of the member that `name` means. Raises Rejected when there is none that can be used."""
        safe = member_name(name)
        if safe is None:
            raise Rejected(RejectCode.PATH_ESCAPE, "leads out of the tar files")
        with _connected(self.index, write=False) as database:
            row = database.execute(
                "select path, place, length, code, detail from members join shards on shard = number"
                " where name = ?",
                [safe],
            ).fetchone()
        if row is None:
            raise Rejected(RejectCode.MISSING_IMAGE, f"no such member in {self.place.name}")
        path, place, length, code, detail = row
        if code is not None:
            raise Rejected(RejectCode(code), detail)
        try:
            with (self.index.parent / path).open("rb") as file:
                file.seek(place)
                return file.read(length)
        except OSError as error:
            raise Rejected(RejectCode.UNREADABLE_IMAGE, error.strerror or str(error)) from error

    def names(self, start: str) -> list[str]:
        """The names of the first members that begin with this text."""
        safe = member_name(start)
        if not safe:
            return []
        with _connected(self.index, write=False) as database:
            rows = database.execute(
                "select name from members where name >= ? and name < ? order by name limit ?",
                [safe, safe + b"\xff", MOST_NAMES],
            ).fetchall()
        return [name.decode(errors="surrogateescape") for (name,) in rows]

    def all_names(self) -> list[str]:
        """The names of all members, in order."""
        with _connected(self.index, write=False) as database:
            rows = database.execute("select name from members order by name").fetchall()
        return [name.decode(errors="surrogateescape") for (name,) in rows]


def is_tar(path: Path) -> bool:
    return path.name.lower().endswith(PLAIN + COMPRESSED)


def member_name(name: str) -> bytes | None:
    """A member's name without `.` and doubled slashes; `None` for an absolute one or one with `..`."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        return None
    try:
        return "/".join(parts).encode(errors="surrogateescape")
    except UnicodeEncodeError:  # half a character, which no member has
        return b""


def open_shards(
    place: Path, files: Sequence[Path], scratch: Path, advance: Progress = lambda done, total: None
) -> TarShards:
    """The images of tar files, indexed under `scratch` unless that was done before.

    Indexing takes minutes for each hundred gigabytes, and unpacking longer: `advance` is told the bytes of
    the tar files that are done and their sum, again and again.

    Raises SourceError for a file that is damaged or incomplete: what it lacks cannot be told from what it
    never had.
    """
    listing = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    key = hashlib.sha256(json.dumps([LAYOUT, listing]).encode()).hexdigest()[:16]
    of_place = hashlib.sha256(str(place.resolve()).encode(errors="surrogateescape")).hexdigest()[:16]
    folder = scratch / "tar_shards" / of_place / key
    with held(folder.parent):  # of several runs one makes the index
        shards.put_back(folder)
        if not folder.is_dir():
            with shards.atomic_folder(folder) as unfinished:
                _build(unfinished, files, advance)
            if not is_at_work(scratch, "ingest"):  # which may read images by an older index
                for other in list(folder.parent.iterdir()):
                    if other != folder:
                        shards.discard(other)
    return TarShards(place, folder / "index.sqlite")


def _build(folder: Path, files: Sequence[Path], advance: Progress) -> None:
    total, before = sum(path.stat().st_size for path in files), 0
    with _connected(folder / "index.sqlite", write=True) as database:
        database.executescript(TABLES)
        for number, path in enumerate(files):
            plain = path.resolve()
            stored = str(plain)
            if path.name.lower().endswith(COMPRESSED):
                stored = f"{number:06d}.tar"
                plain = folder / stored
                for done in _unpack(path, plain):
                    advance(before + done, total)
            database.execute("insert into shards values (?, ?)", [number, stored])
            unpacked = plain != path.resolve()  # indexing it again takes no time beside that
            for name, member in _members(path, plain):
                if not unpacked:
                    advance(before + member.offset, total)
                _enter(database, folder, name, number, member)
                if database.total_changes > MOST_MEMBERS:
                    raise SourceError(f"{path}: more than {MOST_MEMBERS:,} members up to here")
            before += path.stat().st_size
            advance(before, total)


@contextlib.contextmanager
def _connected(path: Path, *, write: bool) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(str(path.resolve()))}?" + ("mode=rwc" if write else "mode=ro&immutable=1")
    with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
        if write:
            # The folder appears only when all is written, so a journal would guard nothing.
            database.executescript("pragma journal_mode = off; pragma synchronous = off;")
        yield database
        database.commit()


def _unpack(path: Path, plain: Path) -> Iterator[int]:
    """Write the plain tar file; yields how many packed bytes are done."""
    limit = UNPACKED_SLACK + UNPACKED_RATIO * path.stat().st_size
    try:
        with path.open("rb") as file, gzip.open(file, "rb") as packed, plain.open("wb") as unpacked:
            while block := packed.read(BLOCK):
                unpacked.write(block)
                if unpacked.tell() > limit:
                    raise SourceError(f"{path}: unpacks to over {limit:,} bytes, which no images do")
                yield file.tell()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"{path}: damaged or incomplete ({error}); fetch it again") from error


def _members(path: Path, plain: Path) -> Iterator[tuple[bytes, tarfile.TarInfo]]:
    """Safe names and headers of everything in a tar file but its folders."""
    extent = plain.stat().st_size
    count = 0
    try:
        with _Headers(plain) as headers, tarfile.open(fileobj=headers, mode="r:") as tar:
            before = -1
            while (member := tar.next()) is not None:
                # Or every header would stay in memory.
                tar.members.clear()  # pyright: ignore[reportAttributeAccessIssue]
                if tar.offset <= before or member.size < 0:
                    raise tarfile.ReadError("a header leads backwards")
                before = tar.offset
                if member.isreg() and member.offset_data + member.size > extent:
                    raise tarfile.ReadError(f"it ends inside {member.name[:80]!r}")
                count += 1
                name = member_name(member.name)
                if name and not member.isdir():
                    yield name, member
            end = tar.offset
        with plain.open("rb") as file:
            file.seek(end)
            if file.read(len(END)) != END:
                raise tarfile.ReadError("no end mark")
    # Hostile headers make the library raise whatever it trips over.
    except (tarfile.TarError, ArithmeticError, LookupError, MemoryError, RecursionError, ValueError) as error:
        raise SourceError(
            f"{path}: damaged or incomplete after {count} members ({error}); fetch it again"
        ) from error


class _Headers(io.FileIO):
    """A tar file as far as its headers are concerned: none is long."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)


def _enter(
    database: sqlite3.Connection, folder: Path, name: bytes, shard: int, member: tarfile.TarInfo
) -> None:
    code, detail, length = None, None, member.size
    if not member.isreg() or member.issparse():
        length = 0
        code, detail = RejectCode.MISSING_IMAGE, "a link, device or sparse file in the tar, not an image"
    elif member.size > LARGEST_MEMBER:
        code, detail = RejectCode.HUGE_IMAGE, f"{member.size:,} bytes"
    row = [name, shard, member.offset_data, length, code, detail]
    added = database.execute("insert or ignore into members values (?, ?, ?, ?, ?, ?)", row)
    if added.rowcount == 0 and not _same_bytes(database, folder, row):
        database.execute(
            "update members set code = ?, detail = ? where name = ?",
            [RejectCode.AMBIGUOUS_IMAGE, "the tar files hold different bytes under this name", name],
        )


def _same_bytes(database: sqlite3.Connection, folder: Path, later: Sequence) -> bool:
    """Whether a member is a copy of the one that is indexed under its name."""
    name, *rest = later
    question = "select shard, place, length, code, detail from members where name = ?"
    first = database.execute(question, [name]).fetchone()
    alike = first[2:] == tuple(rest[2:])
    if not alike or first[3] is not None:
        return alike
    paths = dict(database.execute("select number, path from shards"))
    digests = [_digest(folder / paths[shard], place, length) for shard, place, length, *_ in (first, rest)]
    return digests[0] == digests[1]


def _digest(path: Path, place: int, length: int) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(place)
        while length > 0 and (block := file.read(min(BLOCK, length))):
            digest.update(block)
            length -= len(block)
    return digest.digest()
