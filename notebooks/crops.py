"""Look through the crops of this project: `marimo edit notebooks/crops.py`, in the project's folder."""

import marimo

app = marimo.App(width="medium", app_title="Crops")


@app.cell
def _():
    from html import escape
    from pathlib import Path

    import cv2
    import marimo as mo
    import polars as pl

    from vzero import imaging, tables
    from vzero.commands.sheet import EVIDENCE, HALO
    from vzero.pages.lookup import rows_by_id
    from vzero.pages.pictures import embed, embed_pixels
    from vzero.paths import Paths
    from vzero.quality.inputs import read_inputs
    from vzero.quality.measures import evidence

    return (
        EVIDENCE,
        HALO,
        Path,
        Paths,
        cv2,
        embed,
        embed_pixels,
        escape,
        evidence,
        imaging,
        mo,
        pl,
        read_inputs,
        rows_by_id,
        tables,
    )


@app.cell
def _(Path, Paths, evidence, mo, pl, read_inputs):
    root = mo.cli_args().get("root") or "."
    paths = Paths(Path(str(root)))
    inputs = read_inputs(paths)
    crops = evidence(inputs.samples).join(
        inputs.crops.select("sample_id", "strategy", pl.col("fallback").cast(pl.String)), on="sample_id"
    )
    boxless = inputs.samples["evidence_box"].null_count()
    without = f"{boxless:,} samples without a box, " if boxless else ""
    mo.md(f"# {crops.height:,} crops, {without}{inputs.rejects.height:,} rejected rows")
    return crops, inputs, paths


@app.cell
def _(crops, mo):
    sources, fallbacks = (sorted(crops[name].unique()) for name in ("source", "fallback"))
    source = mo.ui.multiselect(sources, value=sources, label="source")
    fallback = mo.ui.multiselect(fallbacks, value=fallbacks, label="fallback")
    area = mo.ui.range_slider(0, 100, step=0.1, label="evidence, % of the image", show_value=True)
    count = mo.ui.slider(1, 30, value=6, label="pictures")
    mo.hstack([source, fallback, area, count], justify="start", wrap=True)
    return area, count, fallback, source


@app.cell
def _(area, crops, fallback, mo, pl, source):
    chosen = crops.filter(
        pl.col("source").is_in(source.value),
        pl.col("fallback").is_in(fallback.value),
        (pl.col("area") * 100).is_between(*area.value),
    )
    columns = ["sample_id", "source", "split", "category", "question", "answer", "fallback"]
    sizes = {"area, %": (100 * pl.col("area")).round(3), "aspect": pl.col("aspect").round(2)}
    print(f"{chosen.height:,} crops chosen")
    table = mo.ui.table(chosen.select(*columns, **sizes), selection="multi", page_size=8)
    table
    return chosen, table


@app.cell
def _(chosen, count, paths, rows_by_id, table, tables):
    # The rows that are ticked in the table, or its first ones.
    ticked = table.value["sample_id"].to_list()
    names = (ticked or chosen["sample_id"].to_list())[: count.value]
    shown = {row["sample_id"]: row for row in chosen.filter(chosen["sample_id"].is_in(names)).to_dicts()}
    views = rows_by_id(paths.crops, tables.Crops, "sample_id", names)
    images = rows_by_id(paths.images, tables.Images, "image_id", [row["image_id"] for row in shown.values()])
    return images, names, shown, views


@app.cell
def _(EVIDENCE, HALO, cv2, embed, embed_pixels, escape, imaging, mo):
    square = {"width": "220px", "height": "220px", "object-fit": "contain"}

    def picture(data, caption):
        if data is None:
            return mo.md(f"*none*<br>{caption}")
        return mo.image(embed(data).uri, style=square, caption=caption)

    def annotated(data, boxes):
        pixels = imaging.decode(data).copy()
        line = max(1, max(pixels.shape[:2]) // 150)
        for box in boxes:
            left, top, right, bottom = (round(number) for number in box)
            for colour, width in ((HALO, 3 * line), (EVIDENCE, line)):
                cv2.rectangle(pixels, (left, top), (right, bottom), colour, width)
        return mo.image(embed_pixels(pixels).uri, style=square, caption="image")

    def described(sample):
        # Texts of data are no Markdown and no HTML.
        question, answer, name = (escape(str(sample[key])) for key in ("question", "answer", "sample_id"))
        return mo.Html(f"<div dir='auto'>{question}<br>answer: {answer}<br><code>{name}</code></div>")

    return annotated, described, picture


@app.cell
def _(annotated, described, images, mo, names, picture, shown, views):
    mo.vstack(
        [
            mo.hstack(
                [
                    annotated(images[shown[name]["image_id"]]["bytes"], shown[name]["boxes"]),
                    picture(views[name]["positive"], "positive"),
                    picture(views[name]["negative"], f"negative: {views[name]['fallback']}"),
                    described(shown[name]),
                ],
                justify="start",
            )
            for name in names
        ]
    )
    return


@app.cell
def _(inputs, mo):
    reasons = sorted(inputs.rejects["code"].unique())
    reason = mo.ui.dropdown(["all", *reasons], value="all", label="rejected because")
    reason
    return (reason,)


@app.cell
def _(inputs, mo, pl, reason):
    rejects = inputs.rejects.filter((pl.col("code") == reason.value) | pl.lit(reason.value == "all"))
    by_reason = rejects.group_by("source", "code").len().sort("source", "len", descending=[False, True])
    print(f"{rejects.height:,} rejected rows chosen")
    mo.vstack([mo.ui.table(by_reason, selection=None), mo.ui.table(rejects, selection=None, page_size=10)])
    return


if __name__ == "__main__":
    app.run()
