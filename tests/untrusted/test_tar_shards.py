"""Images inside tar files are those of a folder; nothing hostile in a tar leads anywhere."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.checked_tables import merge_tables
from vzero import imaging, workers
from vzero.config import Compute, Ingest, TableSource
from vzero.errors import SourceError
from vzero.ingest import checked_parts
from vzero.paths import Paths
from vzero.runs import run_folder
from vzero.sources.catalogue import open_source
from vzero.untrusted import tar_shards
from vzero.untrusted.files import open_images, read_image
from vzero.untrusted.rejects import Rejected
from vzero.untrusted.tar_shards import member_name


def png(shade: int) -> bytes:
    return imaging.encode_png(np.full((40, 60, 3), shade, np.uint8))


def tar_bytes(members: dict[str, bytes] | list[tuple[str, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, data in members.items() if isinstance(members, dict) else members:
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    return buffer.getvalue()


def special(name: str, kind: bytes, target: str = "") -> bytes:
    """A tar of one good image and one member that is no plain file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        header = tarfile.TarInfo(name)
        header.type, header.linkname = kind, target
        tar.addfile(header)
        good = tarfile.TarInfo("good.png")
        good.size = 4
        tar.addfile(good, io.BytesIO(b"good"))
    return buffer.getvalue()


def outcome(images, name: str) -> bytes | str:
    """The bytes, or the code of the reject."""
    try:
        return read_image(images, name)
    except Rejected as rejected:
        return str(rejected.code)


def opened(root: Path, content: bytes, name: str = "images.tar"):
    (root / name).write_bytes(content)
    return open_images(root / name, root / "scratch")


# What is read


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_found_by_name_in_every_form_of_tar(form, tmp_path):
    long = "deep/" * 18 + "x.png"
    members = {"a.png": png(1), "./b/c.png": png(2), "ü.png": png(3), long: png(4), "empty.png": b""}
    images = opened(tmp_path, tar_bytes(members, form))
    assert {name: outcome(images, name) for name in members} == members
    assert outcome(images, "b/c.png") == outcome(images, ".//b/./c.png") == png(2)
    assert outcome(images, "c.png") == outcome(images, "b") == outcome(images, "") == "missing_image"


def test_a_folder_of_shards_plain_and_compressed(tmp_path):
    folder = tmp_path / "shards"
    folder.mkdir()
    (folder / "0.tar").write_bytes(tar_bytes({"a.png": png(1)}))
    (folder / "1.tar.gz").write_bytes(gzip.compress(tar_bytes({"b.png": png(2)})))
    (folder / "2.tgz").write_bytes(gzip.compress(tar_bytes({"c.png": png(3)})))
    (folder / ".cache").mkdir()
    (folder / "README.md").write_text("how these were made")
    images = open_images(folder, tmp_path / "scratch")
    assert [outcome(images, name) for name in ("a.png", "b.png", "c.png")] == [png(1), png(2), png(3)]
    assert sorted(path.name for path in folder.iterdir())[1:] == ["0.tar", "1.tar.gz", "2.tgz", "README.md"]


def test_the_index_is_made_once_and_again_when_a_shard_changes(tmp_path, monkeypatch):
    opened(tmp_path, tar_bytes({"a.png": b"1"}))
    with monkeypatch.context() as patch:
        patch.setattr(tar_shards, "_build", lambda *_: pytest.fail("indexed again"))
        open_images(tmp_path / "images.tar", tmp_path / "scratch")
    images = opened(tmp_path, tar_bytes({"b.png": b"2", "a.png": b"3"}))
    assert outcome(images, "a.png") == b"3"
    assert len(list((tmp_path / "scratch/tar_shards").glob("*/*"))) == 1, "the old index is gone"


def test_an_older_index_is_left_to_a_run_that_may_read_by_it(tmp_path):
    scratch = tmp_path / "scratch"
    first = opened(tmp_path, tar_bytes({"a.png": b"1"}))
    with run_folder(scratch, "ingest", code="vzero.geometry", config={}, inputs=[]):
        opened(tmp_path, tar_bytes({"a.png": b"2"}))
        assert first.index.is_file()
    opened(tmp_path, tar_bytes({"a.png": b"3"}))
    assert len(list((scratch / "tar_shards").glob("*/*"))) == 1


def test_tar_files_of_several_sources_keep_their_indices(tmp_path):
    first = opened(tmp_path, tar_bytes({"a.png": b"1"}), "first.tar")
    second = opened(tmp_path, tar_bytes({"a.png": b"2"}), "second.tar")
    assert (outcome(first, "a.png"), outcome(second, "a.png")) == (b"1", b"2")


def checked(root: Path, images: str, processes: int) -> tuple[dict[str, bytes], list[str]]:
    """The images and samples tables as bytes, and the codes of the rejects."""
    table = TableSource(rows=root / "rows.jsonl", images=root / images)
    config = Ingest(source="table", table=table)
    folder = root / f"{images}-checked"
    source = open_source("table", config, Paths(folder))
    jobs = [
        (number, batch, "table", source.images, config, folder) for number, batch in enumerate(source.batches)
    ]
    with workers.pool(Compute(), processes=processes) as completed:
        assert sum(completed(checked_parts.check_batch, jobs)) == 120
    _, _, rejects = merge_tables(folder, {"table": source.images}, 16)
    tables = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.glob("out/[is]*/*.parquet"))
    }
    return tables, rejects["code"].to_list()


def test_the_same_tables_from_a_folder_and_from_shards_with_any_number_of_processes(tmp_path):
    rows = [{"image": f"{n}.png", "question": "Which?", "box": [5, 5, 20 + n % 9, 20]} for n in range(120)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    contents = {f"{n}.png": png(n) for n in range(110)}
    for place in ("folder", "shards"):
        (tmp_path / place).mkdir()
    for name, data in contents.items():
        (tmp_path / "folder" / name).write_bytes(data)
    for number in range(3):
        part = {name: contents[name] for name in sorted(contents)[number::3]}
        (tmp_path / f"shards/{number}.tar").write_bytes(tar_bytes(part))
    tables, codes = checked(tmp_path, "folder", 1)
    assert codes == ["missing_image"] * 10 and len(tables) > 4
    assert checked(tmp_path, "shards", 2) == (tables, codes)


# What is refused


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "x/../../a.png", "x/../a.png", "/etc/hostname"])
def test_names_that_lead_out_are_never_found_although_the_tar_has_them(name, tmp_path):
    images = opened(tmp_path, tar_bytes({name: b"hidden", "a.png": b"1"}))
    assert outcome(images, name) == "path_escape"
    assert outcome(images, "a.png") == b"1"
    assert not list(tmp_path.rglob("*.png")), "nothing is ever unpacked"


@pytest.mark.parametrize("name", ["a\0b.png", "\ud800.png", "x" * 5000, "ä.png", "."])
def test_names_that_no_member_has_are_missing(name, tmp_path):
    assert outcome(opened(tmp_path, tar_bytes({"a.png": b"1"})), name) == "missing_image"


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_not_followed(kind, tmp_path):
    images = opened(tmp_path, special("link.png", kind, "good.png"))
    assert outcome(images, "link.png") == "missing_image"
    assert outcome(images, "good.png") == b"good"


def test_a_name_twice_is_fine_with_the_same_bytes_and_ambiguous_with_others(tmp_path):
    folder = tmp_path / "shards"
    folder.mkdir()
    first = [("same.png", b"11"), ("length.png", b"2"), ("bytes.png", b"33"), ("thrice.png", b"44")]
    second = [("./same.png", b"11"), ("length.png", b"22"), ("bytes.png", b"34"), ("thrice.png", b"45")]
    (folder / "0.tar").write_bytes(tar_bytes(first))
    (folder / "1.tar").write_bytes(tar_bytes([*second, ("thrice.png", b"44")]))
    images = open_images(folder, tmp_path / "scratch")
    assert outcome(images, "same.png") == b"11"
    assert {outcome(images, f"{name}.png") for name in ("length", "bytes", "thrice")} == {"ambiguous_image"}


def test_a_member_too_large_to_be_an_image_is_rejected_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(tar_shards, "LARGEST_MEMBER", 100)
    images = opened(tmp_path, tar_bytes({"large.png": bytes(101), "small.png": bytes(100)}))
    assert outcome(images, "large.png") == "huge_image" and outcome(images, "small.png") == bytes(100)


WHOLE = tar_bytes({"a.png": png(1), "b.png": png(2)}, tarfile.USTAR_FORMAT)


def backwards() -> bytes:
    """A member whose pax header gives it a negative size, which sends a naive reader round in circles."""
    header = tarfile.TarInfo("a.png")
    header.pax_headers = {"size": "-2048"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(header)
    return buffer.getvalue()


DAMAGED = {
    "empty": (b"", "images.tar"),
    "no tar": (b"no tar" * 500, "images.tar"),
    "an image": (png(1), "images.tar"),
    "ends in the first header": (WHOLE[:300], "images.tar"),
    "ends after the first header": (WHOLE[:600], "images.tar"),
    "ends inside a member": (WHOLE[: WHOLE.index(png(2)) + 9], "images.tar"),
    "ends before the last header": (WHOLE[: WHOLE.index(b"b.png")], "images.tar"),
    "garbage between members": (WHOLE[: WHOLE.index(b"b.png")] + b"garbage!" * 64 + WHOLE, "images.tar"),
    "negative size": (backwards(), "images.tar"),
    "gzip ends early": (gzip.compress(WHOLE)[:-20], "images.tar.gz"),
    "no gzip": (WHOLE, "images.tar.gz"),
    "wrong gzip size": (gzip.compress(WHOLE)[:-4] + b"size", "images.tgz"),
}


@pytest.mark.parametrize(("content", "name"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_or_incomplete_file_is_named_and_leaves_no_index(content, name, tmp_path):
    with pytest.raises(SourceError, match=rf"{name}: damaged or incomplete.*fetch it again"):
        opened(tmp_path, content, name)
    assert not [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()]


def test_a_decompression_bomb_stops_early(tmp_path, monkeypatch):
    monkeypatch.setattr(tar_shards, "UNPACKED_SLACK", 2**16)
    with pytest.raises(SourceError, match="unpacks to over"):
        opened(tmp_path, gzip.compress(bytes(2**22)), "images.tar.gz")


def test_absurdly_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tar_shards, "MOST_MEMBERS", 20)
    with pytest.raises(SourceError, match="more than 20 members"):
        opened(tmp_path, tar_bytes({f"{n}.png": b"" for n in range(25)}))


def test_what_could_be_meant_in_two_ways_is_an_error(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/part.tar.gz.aa").write_bytes(b"")
    with pytest.raises(SourceError, match=r"part\.tar\.gz\.aa: not a tar file that is read.*cat"):
        open_images(tmp_path / "images", tmp_path / "scratch")
    (tmp_path / "images/a.png").write_bytes(png(1))
    assert open_images(tmp_path / "images", tmp_path / "scratch") == tmp_path / "images"
    (tmp_path / "images/a.tar").write_bytes(WHOLE)
    with pytest.raises(SourceError, match=r"both tar files \(a\.tar\) and unpacked ones \(a\.png\)"):
        open_images(tmp_path / "images", tmp_path / "scratch")


# Properties


@given(st.text(st.sampled_from("./a\0é\ud800"), max_size=12))
def test_a_members_name_never_leads_anywhere(name):
    safe = member_name(name)
    assert safe is None or not safe.startswith(b"/")
    assert safe is None or not {b"..", b"."} & set(safe.split(b"/"))
    assert name.startswith("/") or member_name("./" + name) == safe


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=12)), max_size=4
    ),
    end=st.integers(0, len(WHOLE)),
)
def test_any_damage_is_an_error_or_an_index_of_what_is_there(changes, end, tmp_path):
    content = bytearray(WHOLE)
    for place, data in changes:
        content[place : place + len(data)] = data
    # A header's checksum is mended, so that damage gets past it.
    for start in (0, WHOLE.index(b"b.png")):
        header = content[start : start + 512]
        header[148:156] = b" " * 8
        content[start + 148 : start + 156] = b"%06o\0 " % sum(header)
    (tmp_path / "fuzz.tar").write_bytes(content[: max(end, 1)])
    try:
        images = open_images(tmp_path / "fuzz.tar", tmp_path / "scratch")
    except SourceError:
        return
    for name in ("a.png", "b.png", "../a.png"):
        found = outcome(images, name)
        assert isinstance(found, str) or found in bytes(content), "only bytes of the file itself"


def test_an_absurdly_long_header_is_refused_unparsed(tmp_path):
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 2**20
    content = header.tobuf(tarfile.USTAR_FORMAT) + b"1" * 2**20 + bytes(1024)
    began = time.process_time()
    with pytest.raises(SourceError, match="a header of 1048576 bytes"):
        opened(tmp_path, content)
    assert time.process_time() - began < 2, "parsing it takes minutes"


@pytest.mark.parametrize("compressed", [False, True])
def test_how_far_indexing_is_is_told_in_bytes_of_the_files_and_only_the_first_time(compressed, tmp_path):
    folder = tmp_path / "shards"
    folder.mkdir()
    for number in range(2):
        content = tar_bytes({f"{number}-{member}.png": os.urandom(2**16) for member in range(20)})
        path = folder / (f"{number}.tar.gz" if compressed else f"{number}.tar")
        path.write_bytes(gzip.compress(content) if compressed else content)
    told: list[tuple[int, int]] = []
    open_images(folder, tmp_path / "scratch", lambda done, total: told.append((done, total)))
    total = sum(path.stat().st_size for path in folder.iterdir())
    done = [done for done, _ in told]
    assert {total for _, total in told} == {total} and done == sorted(done) and done[-1] == total
    assert len(set(done)) > 2, "also within a file"
    told.clear()
    open_images(folder, tmp_path / "scratch", lambda done, total: told.append((done, total)))
    assert told == []
