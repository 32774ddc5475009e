"""Sharded tables: atomic, sorted, the same bytes for the same rows, whatever others write."""

import errno
import threading
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from vzero import shards
from vzero.errors import ProjectError


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
    with pytest.raises(ProjectError, match="run the stage that writes it first"):
        shards.scan(tmp_path, Pets)


def test_a_failed_replacement_leaves_the_old_folder(tmp_path):
    write(tmp_path / "model/weights", "old")
    with pytest.raises(RuntimeError), shards.atomic_folder(tmp_path / "model") as folder:
        write(folder / "weights", "new")
        raise RuntimeError
    assert files(tmp_path) == {"model/weights": "old"}


def test_of_two_that_replace_a_folder_at_once_each_puts_the_whole_of_its_own(tmp_path):
    def replace(name: str) -> None:
        for _ in range(5):
            with shards.atomic_folder(tmp_path / "model") as folder:
                write(folder / "weights", name)
                write(folder / "tokenizer", name)
            done.append(name)

    done: list[str] = []
    threads = [threading.Thread(target=replace, args=[name]) for name in ("one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 10
    wholes = [{"model/weights": name, "model/tokenizer": name} for name in ("one", "other")]
    assert files(tmp_path) in wholes


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
