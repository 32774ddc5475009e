"""Tables with a row a box: gathered by image, whatever their order, and asked about by templates."""

from __future__ import annotations

from pathlib import Path

from checked_source import checked, picture

from vzero.config import BoxesSource
from vzero.config.object_sources import BoxColumns

# As TensorFlow's tutorials for its Object Detection API describe it (unverified).
TENSORFLOW = """filename,width,height,class,xmin,ymin,xmax,ymax
a.png,200,100,cup,20,30,60,70
b.png,200,100,raccoon,100,10,180,90
a.png,200,100,dog,100,10,180,90
"""
# Written by globox 2.9.0: AnnotationSet([...]).save_openimage("out.csv"), of the same two boxes.
GLOBOX = """ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,\
IsDepiction,IsInside
a.png,,cup,,0.1,0.3,0.3,0.7,,,,,
a.png,,dog,,0.5,0.9,0.1,0.9,,,,,
"""
OPEN_IMAGES = BoxColumns(
    image="ImageID",
    category="LabelName",
    box=["XMin", "YMin", "XMax", "YMax"],
    width=None,
    height=None,
    crowd="IsGroupOf",
)
CUP, DOG = (20, 30, 60, 70), (100, 10, 180, 90)


def table(root: Path, text: str, **changes) -> BoxesSource:
    for name in "ab":
        picture(root / f"images/{name}.png")
    (root / "labels.csv").write_text(text)
    return BoxesSource(rows=Path("labels.csv"), images=Path("images"), questions_per_image=9, **changes)


def boxes(rows: list[dict]) -> set[tuple]:
    return {tuple(round(number, 2) for number in box) for row in rows for box in row["boxes"]}


def test_rows_of_an_image_need_not_stand_together(tmp_path: Path):
    rows, rejects = checked(tmp_path, boxes=table(tmp_path, TENSORFLOW))
    asked = {row["question"] for row in rows}
    assert (boxes(rows), rejects) == ({CUP, DOG}, [])
    sides = "Is the {} to the left or to the right of the {}?"
    assert asked & {sides.format("cup", "dog"), sides.format("dog", "cup")}
    assert "How many objects of this kind are in the picture: raccoon?" in asked


def test_open_images_has_parts_of_sides_and_columns_in_another_order(tmp_path: Path):
    source = table(tmp_path, GLOBOX, columns=OPEN_IMAGES, box_unit="fraction")
    rows, rejects = checked(tmp_path, boxes=source)
    assert (boxes(rows), rejects) == ({CUP, DOG}, [])


def test_open_images_names_pictures_without_extension_and_classes_by_code(tmp_path: Path):
    (tmp_path / "classes.csv").write_text("/m/01,Cup\n/m/02,Dog\n")
    text = GLOBOX.replace("a.png", "a").replace("cup", "/m/01").replace("dog,,0.5", "/m/02,,0.5")
    source = table(
        tmp_path, text, columns=OPEN_IMAGES, box_unit="fraction", category_names=Path("classes.csv")
    )
    rows, rejects = checked(tmp_path, boxes=source)
    assert (boxes(rows), rejects) == ({CUP, DOG}, [])
    assert any("Dog" in row["question"] for row in rows)


def test_a_size_that_is_no_number_is_not_the_pictures(tmp_path: Path):
    text = TENSORFLOW.replace("b.png,200", "b.png,nan").replace("a.png,200", "a.png,inf")
    rows, rejects = checked(tmp_path, boxes=table(tmp_path, text))
    assert (rows, {code for code, _ in rejects}) == ([], {"size_mismatch"})


def test_without_columns_of_sizes_the_pictures_own_is_taken(tmp_path: Path):
    columns = BoxColumns(width=None, height=None)
    text = TENSORFLOW.replace("raccoon,100,10", "raccoon,100,60")
    rows, _ = checked(tmp_path, boxes=table(tmp_path, text, columns=columns))
    assert "Which corner of the picture is the raccoon nearest to?" in {row["question"] for row in rows}


def test_crowds_bad_boxes_and_pictures_that_are_not_there_are_rejects(tmp_path: Path):
    crowd = GLOBOX + "a.png,,cup,,0.1,0.3,0.3,0.7,,,1,,\na.png,,cup,,0.1,far,0.3,0.7,,,0,,\n"
    crowd += (
        "a.png,,,,0.1,0.3,0.3,0.7,,,0,,\n,,cup,,0.1,0.3,0.3,0.7,,,0,,\nc.png,,cup,,0.1,0.3,0.3,0.7,,,0,,\n"
    )
    rows, rejects = checked(tmp_path, boxes=table(tmp_path, crowd, columns=OPEN_IMAGES, box_unit="fraction"))
    assert sorted(code for code, _ in rejects) == [
        "bad_box",
        "crowd_region",
        "malformed_row",
        "missing_image",
        "missing_image",
    ]
    assert all("cup" not in row["question"] for row in rows), "how many cups there are is not known"
