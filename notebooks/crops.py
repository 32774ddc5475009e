"""Look through the crops of this project: `marimo edit notebooks/crops.py`, in the project's folder."""

import marimo

app = marimo.App(width="medium", app_title="Crops")


@app.cell
def _():
    from pathlib import Path

    import marimo as mo
    import polars as pl

    from vzero import tables
    from vzero.paths import Paths
    from vzero.quality.inputs import read_inputs
    from vzero.quality.measures import evidence
    from vzero.report.lookup import rows_by_id
    from vzero.report.pictures import embed

    return Path, Paths, embed, evidence, mo, pl, read_inputs, rows_by_id, tables


@app.cell
def _(Path, Paths, evidence, mo, pl, read_inputs):
    root = mo.cli_args().get("root") or "."
    paths = Paths(Path(str(root)))
    inputs = read_inputs(paths)
    crops = evidence(inputs.samples).join(
        inputs.crops.select("sample_id", "strategy", pl.col("fallback").cast(pl.String)), on="sample_id"
    )
    mo.md(f"# {crops.height:,} crops, {inputs.rejects.height:,} rejected rows")
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
    columns = ["sample_id", "source", "split", "category", "question", "answer", "area", "aspect", "fallback"]
    print(f"{chosen.height:,} crops chosen")
    table = mo.ui.table(chosen.select(columns), selection="multi", page_size=8)
    table
    return chosen, table


@app.cell
def _(chosen, count, embed, mo, paths, rows_by_id, table, tables):
    # The rows that are ticked in the table, or its first ones.
    ticked = table.value["sample_id"].to_list()
    names = (ticked or chosen["sample_id"].to_list())[: count.value]
    shown = {row["sample_id"]: row for row in chosen.filter(chosen["sample_id"].is_in(names)).to_dicts()}
    views = rows_by_id(paths.crops, tables.Crops, "sample_id", names)
    images = rows_by_id(paths.images, tables.Images, "image_id", [row["image_id"] for row in shown.values()])

    def picture(data, caption):
        if data is None:
            return mo.md(f"*none*<br>{caption}")
        return mo.image(embed(data).uri, width=220, caption=caption)

    mo.vstack(
        [
            mo.hstack(
                [
                    picture(images[shown[name]["image_id"]]["bytes"], "image"),
                    picture(views[name]["positive"], "positive"),
                    picture(views[name]["negative"], f"negative: {views[name]['fallback']}"),
                    mo.md(f"{shown[name]['question']}\n\nanswer: {shown[name]['answer']}\n\n`{name}`"),
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
