"""The sources by the names that `params.ingest` calls them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vzero.config import Ingest, SourceName, Sources
from vzero.errors import SourceError
from vzero.paths import Paths
from vzero.sources.annotation import Source
from vzero.sources.boxes import open_boxes
from vzero.sources.chats import open_chats
from vzero.sources.coco import open_coco
from vzero.sources.gqa import open_gqa
from vzero.sources.label_studio import open_label_studio
from vzero.sources.needle import open_needle
from vzero.sources.objects import open_objects
from vzero.sources.phrases import open_phrases
from vzero.sources.seal import open_seal
from vzero.sources.table import open_table
from vzero.sources.treevgr import open_treevgr
from vzero.sources.verl import open_verl
from vzero.sources.vgr import open_vgr
from vzero.sources.vision_opd import open_vision_opd
from vzero.sources.visual_cot import open_visual_cot
from vzero.sources.visual_cot_llava import open_visual_cot_llava
from vzero.sources.voc import open_voc
from vzero.sources.vstar_folders import open_vstar_folders
from vzero.sources.yolo import open_yolo
from vzero.sources.zwz import open_zwz
from vzero.untrusted.files import open_images
from vzero.untrusted.tar_shards import Progress


def open_source(
    name: SourceName, config: Ingest, paths: Paths, advance: Progress = lambda done, total: None
) -> Source:
    """Open a source. Raises SourceError, which names the parameter, when files are missing or lack a column.

    `advance` is told how far its tar files of images are indexed, if they have to be.
    """
    try:
        source = _open(name, config.settings, paths, advance)
        for path in source.inputs:
            if not path.is_file():  # a pipe or a device of that name would never end
                raise SourceError(f"{path}: not a file")
        if isinstance(source.images, Path):
            return replace(source, images=open_images(source.images, paths.scratch, advance))
    except SourceError as error:
        raise SourceError(f"{_parameter(name, config, paths, str(error))}: {error}") from error
    return source


def _parameter(name: SourceName, config: Ingest, paths: Paths, message: str) -> str:
    """The key of the path that a message begins with, or that of the source's section."""
    found = [
        (len(str(paths.resolve(value))), f"{config.key(name)}.{key}")
        for key, value in getattr(config.settings, name)
        if isinstance(value, Path) and message.startswith(str(paths.resolve(value)))
    ]
    return max(found)[1] if found else config.key(name)


def _open(name: SourceName, config: Sources, paths: Paths, advance: Progress) -> Source:
    match name:
        case "needle":
            return open_needle(config.needle)
        case "zwz":
            return open_zwz(config.zwz, paths)
        case "vision_opd":
            return open_vision_opd(config.vision_opd, paths)
        case "visual_cot":
            return open_visual_cot(config.visual_cot, paths)
        case "visual_cot_llava":
            return open_visual_cot_llava(config.visual_cot_llava, paths)
        case "treevgr":
            return open_treevgr(config.treevgr, paths)
        case "seal":
            return open_seal(config.seal, paths)
        case "vgr":
            return open_vgr(config.vgr, paths)
        case "verl":
            return open_verl(config.verl, paths)
        case "gqa":
            return open_gqa(config.gqa, paths)
        case "vstar":
            return open_vstar_folders(config.vstar, paths)
        case "coco":
            return open_coco(config.coco, paths)
        case "voc":
            return open_voc(config.voc, paths, advance)
        case "yolo":
            return open_yolo(config.yolo, paths)
        case "boxes":
            return open_boxes(config.boxes, paths, advance)
        case "objects":
            return open_objects(config.objects, paths, advance)
        case "label_studio":
            return open_label_studio(config.label_studio, paths, advance)
        case "phrases":
            return open_phrases(config.phrases, paths, advance)
        case "chats":
            return open_chats(config.chats, paths, advance)
        case "table":
            return open_table(config.table, paths)
