"""Where a hub holds the training sets that may be downloaded, and how params.yaml names what came.

Only sets that state a licence for what is downloaded. SEAL's data and Vision-OPD-6K state none, GQA and V*
are not on the hub in a form that is read: people get those themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vzero.benchmarks.declaration import Published

TARS = ("*.tar", "*.tar.gz", "*.tgz", "*/*.tar", "*/*.tar.gz", "*/*.tgz")


@dataclass(frozen=True)
class TrainingSet:
    published: Published
    folder: str
    """Inside the folder of downloads."""
    settings: Callable[[Path], dict[str, str]]
    """The source's section of params.yaml, of the folder."""
    without: str = ""
    """What has to be got elsewhere."""


def _pictures(folder: Path) -> str:
    """Tar files are read as they are, in the folder itself or in `images`."""
    return (folder / "images" if (folder / "images").is_dir() else folder).as_posix()


SETS: dict[str, TrainingSet] = {
    "zwz": TrainingSet(
        Published("inclusionAI/ZwZ-RL-VQA", ("train.parquet", *TARS)),
        "zwz",
        lambda folder: {"rows": f"{folder.as_posix()}/train.parquet", "images": _pictures(folder)},
        "its pictures have the evidence drawn in, which the default refuses: see configs/zwz_23k.yaml",
    ),
    "treevgr": TrainingSet(
        Published(
            "HaochenWang/TreeVGR-RL-37K", ("vstar30k_visdrone6k_x1y1x2y2.parquet", "images.tar.gz", *TARS)
        ),
        "treevgr",
        lambda folder: {
            "rows": f"{folder.as_posix()}/vstar30k_visdrone6k_x1y1x2y2.parquet",
            "images": _pictures(folder),
        },
    ),
    "visual_cot": TrainingSet(
        Published("deepcs233/Visual-CoT", ("metadata/*.jsonl",)),
        "visual_cot",
        lambda folder: {"rows": f"{folder.as_posix()}/metadata"},
        "its pictures have licences of their own: get them and name their folder as ingest.visual_cot.images",
    ),
    "visual_cot_llava": TrainingSet(
        Published("deepcs233/Visual-CoT", ("viscot_363k.json",)),
        "visual_cot",
        lambda folder: {"rows": f"{folder.as_posix()}/viscot_363k.json"},
        "its pictures have licences of their own: get them and put them into cot/ beside it",
    ),
    "vgr": TrainingSet(
        Published("BytedanceDouyinContent/VGR", ("vgr_shortcot.parquet",)),
        "vgr",
        lambda folder: {"rows": f"{folder.as_posix()}/vgr_shortcot.parquet"},
        "its pictures are LLaVA-NeXT's: get them and name their folder as ingest.vgr.images",
    ),
}
