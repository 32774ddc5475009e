"""Sharded tables: atomic, sorted, the same bytes for the same rows, resumable folders."""

import errno
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from vzero import shards


class Pets(dy.Schema):
    name = dy.String(primary_key=True)
    age = dy.Int32(nullable=False, min=0)


def pets(*rows: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"name": pl.String, "age": pl.Int32}, orient="row")


def test_the_order_of_rows_does_not_change_the_bytes(tmp_path):
    shards.write_table(tmp_path / "a", pets(("rex", 3), ("tom", 9)), Pets)
    shards.write_table(tmp_path / "b", pets(("tom", 9), ("rex", 3)), Pets)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_rows_against_the_schema_are_not_written(tmp_path):
    for wrong in (pets(("rex", -1)), pets(("rex", 1), ("rex", 2))):
        with pytest.raises(dy.exc.ValidationError):
            shards.write_table(tmp_path / "part-00000.parquet", wrong, Pets)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), shards.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_columns_that_are_not_asked_for_are_not_there(tmp_path):
    shards.write_table(tmp_path / "part-00000.parquet", pets(("rex", 3)), Pets)
    frame = shards.scan(tmp_path, Pets, ["name"])
    assert frame.collect_schema().names() == ["name"]
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        frame.select("age").collect()


def test_a_table_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="run the stage that writes it first"):
        shards.scan(tmp_path, Pets)


def test_a_run_folder_is_found_again_and_a_changed_input_starts_clean(tmp_path):
    table = tmp_path / "input"
    table.write_text("1")
    first = shards.run_folder(tmp_path / "scratch", "stage", config={"a": 1}, inputs=[table])
    (first / "done").touch()
    assert shards.run_folder(tmp_path / "scratch", "stage", config={"a": 1}, inputs=[table]) == first
    table.write_text("2")
    second = shards.run_folder(tmp_path / "scratch", "stage", config={"a": 1}, inputs=[table])
    assert second != first and list(second.iterdir()) == [] and not first.exists()


def test_a_run_folder_is_cleared_of_what_a_killed_run_was_writing(tmp_path):
    folder = shards.run_folder(tmp_path, "stage", config={}, inputs=[])
    write(folder / "rollouts/part-00000.parquet", "whole")
    write(folder / "rollouts/.part-00001.parquet.tmp", "half")
    write(folder / "checkpoints/.step-000002.new.tmp/weights.safetensors", "half")
    write(tmp_path / "stage/.0123.old.tmp/part-00000.parquet", "half removed")
    assert shards.run_folder(tmp_path, "stage", config={}, inputs=[]) == folder
    assert files(tmp_path / "stage") == {f"{folder.name}/rollouts/part-00000.parquet": "whole"}


def test_publishing_replaces_the_old_table_keeps_the_source_and_leaves_unfinished_files_out(tmp_path):
    source, target = tmp_path / "source", tmp_path / "data/table"
    write(source / "part-00000.parquet", "new")
    write(source / ".part-00001.parquet.tmp", "half")
    write(target / "part-00007.parquet", "old")
    write(target.parent / ".table.new.tmp/part-00003.parquet", "of a killed run")
    shards.publish(source, target)
    assert files(target.parent) == {"table/part-00000.parquet": "new"}
    assert (source / "part-00000.parquet").read_text() == "new"


def test_publishing_reaches_file_systems_without_hard_links(tmp_path, monkeypatch):
    def refuse(self, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write(tmp_path / "source/part-00000.parquet", "new")
    shards.publish(tmp_path / "source", tmp_path / "target")
    assert files(tmp_path / "target") == {"part-00000.parquet": "new"}


def test_a_failed_replacement_leaves_the_old_folder(tmp_path):
    write(tmp_path / "model/weights", "old")
    with pytest.raises(RuntimeError), shards.atomic_folder(tmp_path / "model") as folder:
        write(folder / "weights", "new")
        raise RuntimeError
    assert files(tmp_path) == {"model/weights": "old"}


def test_a_replacement_killed_between_its_two_renames_is_undone(tmp_path):
    write(tmp_path / ".model.old.tmp/weights", "old")
    write(tmp_path / ".model.new.tmp/weights", "new")
    shards.put_back(tmp_path / "model")
    assert files(tmp_path / "model") == {"weights": "old"}


def test_a_replacement_killed_before_the_old_folder_was_removed_stands(tmp_path):
    write(tmp_path / ".model.old.tmp/weights", "old")
    write(tmp_path / "model/weights", "new")
    shards.put_back(tmp_path / "model")
    assert files(tmp_path) == {"model/weights": "new"}


def test_written_folders_can_be_read_by_everyone(tmp_path):
    with shards.atomic_folder(tmp_path / "model") as folder:
        write(folder / "weights", "new")
        (folder / "weights").chmod(0o600)
    assert (tmp_path / "model/weights").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("writer", [shards.atomic_path, shards.atomic_folder])
def test_a_full_disk_is_an_error_that_names_the_place_whatever_the_library(tmp_path, writer, number):
    message = {errno.ENOSPC: "No space left on device", errno.EDQUOT: "Disk quota exceeded"}[number]
    with pytest.raises(OSError) as raised, writer(tmp_path / "table"):
        raise RuntimeError(f"parquet: {message} (os error {number})")
    assert (raised.value.errno, raised.value.filename) == (number, str(tmp_path / "table"))
    assert list(tmp_path.iterdir()) == []


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }
