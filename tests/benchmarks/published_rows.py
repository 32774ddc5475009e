"""One row of every published form, and what must come out of it."""

from __future__ import annotations

from typing import Any

from published_files import base64_of, picture

STRUCT = {"bytes": picture(0), "path": "0.png"}
TEXT = base64_of(picture(0))
LETTERS = {"A": "red", "B": "blue", "C": "green", "D": "black"}
DIRECTLY = "Answer with the option's letter from the given choices directly."
LINES = "What is it?\n(A) red\n(B) blue (dark)\n" + DIRECTLY
LEFT_OR_RIGHT = (
    "Which?\n\nA. Left\nB. Right\n"
    "Please answer directly with only the letter of the correct option and nothing else."
)
MME = ["(A) red", "(B) blue", "(C) green", "(D) black", "(E) This image doesn't feature the colour."]

# Form by form: the file's name, one row, and what must come out of it.
FORMS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "V* TSV": (
        "vstar",
        "VStarBench.tsv",
        {
            "index": 0,
            "image": TEXT,
            "question": "Q?",
            **LETTERS,
            "answer": "B",
            "category": "direct_attributes",
        },
        {"question": "Q?", "options": list(LETTERS.values()), "answer": "B", "category": "direct_attributes"},
    ),
    "V* Parquet": (
        "vstar",
        "test-00000-of-00001.parquet",
        {"image": STRUCT, "text": LINES, "label": "B", "question_id": 7, "category": "relative_position"},
        {
            "item": "7",
            "question": "What is it?",
            "options": ["red", "blue (dark)"],
            "answer": "B",
            "prompt": LINES,
        },
    ),
    "HR-Bench TSV": (
        "hrbench_4k",
        "hr_bench_4k.tsv",
        {"index": 3, "image": TEXT, "question": "Q?", **LETTERS, "answer": "D", "category": "single"}
        | {"cycle_category": 2},
        {"cycle": 2, "category": "single", "answer": "D"},
    ),
    "HR-Bench Parquet with base64": (
        "hrbench_8k",
        "hr_bench_8k.parquet",
        {"index": 3, "image": TEXT, "question": "Q?", **LETTERS, "answer": "D", "category": "cross"}
        | {"cycle_category": "3"},
        {"cycle": 3, "category": "cross", "image": picture(0)},
    ),
    "ZoomBench choice": (
        "zoombench",
        "test.parquet",
        {
            "id": "z1",
            "image": STRUCT,
            "crop_image": {"bytes": picture(9), "path": None},
            "question_type": "mcq",
        }
        | {"query": "Which?\nA. one\nB. two", "response": "B", "bbox": [4.0, 4.0, 20.0, 16.0]},
        {"kind": "choice", "options": ["one", "two"], "answer": "B", "crop_image": picture(9)}
        | {"evidence_box": [4.0, 4.0, 20.0, 16.0], "boxes": [[4.0, 4.0, 20.0, 16.0]]},
    ),
    "ZoomBench open, the other names": (
        "zoombench",
        "test.parquet",
        {"id": "z2", "image": STRUCT, "crop_image": None, "prompt": "How many?", "answer": "12"},
        {"kind": "open", "options": [], "answer": "12", "question": "How many?", "crop_image": None},
    ),
    "MMStar TSV": (
        "mmstar",
        "MMStar.tsv",
        {"index": 0, "image": TEXT, "question": "Q?", **LETTERS, "answer": "A", "category": "math"}
        | {"l2-category": "geometry", "bench": "x"},
        {"category": "math", "l2_category": "geometry"},
    ),
    "MMStar Parquet": (
        "mmstar",
        "mmstar.parquet",
        {
            "index": 0,
            "question": "Which?\nOptions: A: one, or 1, B: two., C: three, D: C: four",
            "image": picture(0),
        }
        | {"answer": "C", "category": "math", "l2_category": "geometry", "meta_info": {"source": "x"}},
        {"question": "Which?", "options": ["one, or 1", "two.", "three", "C: four"], "answer": "C"},
    ),
    "MME-RealWorld TSV with a list": (
        "mme_realworld_lite",
        "mme_realworld_lite.tsv",
        {"index": "0", "image": TEXT, "question": "Q?", "multi-choice options": repr(MME), "answer": "E"}
        | {"category": "Perception/OCR", "l2-category": "sign"},
        {"options": [option[4:] for option in MME], "answer": "E", "category": "Perception/OCR"},
    ),
    "MME-RealWorld TSV with a heading": (
        "mme_realworld_cn",
        "MME-RealWorld-CN.tsv",
        {
            "index": "0",
            "image": TEXT,
            "question": "问？",
            "multi-choice options": "选项如下所示:\n" + "\n".join(MME),
        }
        | {"answer": "A", "category": "Reasoning/OCR", "l2-category": "sign"},
        {"options": [option[4:] for option in MME], "l2_category": "sign"},
    ),
    "MME-RealWorld Parquet": (
        "mme_realworld",
        "train-00000-of-00070.parquet",
        {"index": "0", "bytes": TEXT, "question": "Q?", "multi-choice options": MME, "answer": "B"}
        | {"category": "Perception/OCR", "l2-category": "sign"},
        {"options": [option[4:] for option in MME], "answer": "B", "image": picture(0)},
    ),
    "CV-Bench TSV": (
        "cv_bench_2d",
        "CV-Bench-2D.tsv",
        {"index": 0, "image": TEXT, "question": "Q?", "A": "1", "B": "2", "answer": "B", "prompt": "Whole?"}
        | {"task": "Count", "source": "COCO"},
        {"options": ["1", "2"], "prompt": "Whole?", "category": "Count", "source": "COCO"},
    ),
    "CV-Bench Parquet": (
        "cv_bench_3d",
        "test_3d.parquet",
        {"idx": 0, "type": "3D", "task": "Depth", "image": STRUCT, "question": "Q?", "choices": ["x", "y"]}
        | {"answer": "(B)", "prompt": "Whole?", "source": "Omni3D"},
        {"options": ["x", "y"], "answer": "B", "source": "Omni3D", "category": "Depth"},
    ),
    "RealWorldQA Parquet, choice": (
        "realworldqa",
        "test-00000-of-00002.parquet",
        {"image": STRUCT, "image_path": "0.webp", "answer": "A", "question": LEFT_OR_RIGHT},
        {"question": "Which?", "options": ["Left", "Right"], "answer": "A", "kind": "choice"},
    ),
    "RealWorldQA Parquet, open": (
        "realworldqa",
        "test-00000-of-00002.parquet",
        {"image": STRUCT, "image_path": "1.webp", "answer": "2", "question": "How many? Use a number."},
        {"question": "How many? Use a number.", "options": [], "answer": "2", "kind": "open"},
    ),
    "BLINK TSV": (
        "blink",
        "BLINK.tsv",
        {"index": 0, "image": repr([TEXT, base64_of(picture(1))]), "question": "Q?", "A": "x", "B": "y"}
        | {"answer": "A", "category": "Jigsaw"},
        {"image": picture(0), "more_images": [picture(1)], "category": "Jigsaw"},
    ),
    "BLINK Parquet": (
        "blink",
        "val-00000-of-00001.parquet",
        {
            "idx": "val_Jigsaw_1",
            "question": "Q?",
            "sub_task": "Jigsaw",
            "prompt": "Whole",
            "choices": ["x", "y"],
        }
        | {"answer": "(B)", "image_1": STRUCT, "image_2": {"bytes": picture(1), "path": None}}
        | {"image_3": None, "image_4": None},
        {"more_images": [picture(1)], "answer": "B", "options": ["x", "y"], "category": "Jigsaw"},
    ),
    "MMMU TSV": (
        "mmmu",
        "MMMU_DEV_VAL.tsv",
        {"index": 0, "image": repr([TEXT]), "question": "<image 1> Q?", **LETTERS, "answer": "A"}
        | {"category": "Art", "split": "validation"},
        {"question": "<image 1> Q?", "kind": "choice", "category": "Art"},
    ),
    "MMMU Parquet without options": (
        "mmmu",
        "validation-00000-of-00001.parquet",
        {"id": "validation_Math_1", "question": "<image 1> How long?", "options": "[]", "answer": "4.5"}
        | {"subfield": "Algebra"}
        | {f"image_{number}": STRUCT if number == 1 else None for number in range(1, 8)},
        {"kind": "open", "answer": "4.5", "options": [], "more_images": []},
    ),
    "MathVista TSV": (
        "mathvista",
        "MathVista_MINI.tsv",
        {"index": 1, "image": TEXT, "question": "Hint: ...\nQ?", "answer": "No", "choices": "['Yes', 'No']"}
        | {"answer_type": "text", "task": "figure question answering"},
        {"options": ["Yes", "No"], "answer": "B", "kind": "choice", "prompt": "Hint: ...\nQ?"},
    ),
    "MathVista Parquet, open": (
        "mathvista",
        "testmini-00000-of-00001.parquet",
        {"pid": "1", "question": "Q?", "image": "images/1.jpg", "decoded_image": STRUCT, "choices": None}
        | {"answer": "1.2", "answer_type": "float", "query": "Hint.\nQ?", "metadata": {"task": "geometry"}},
        {
            "kind": "open",
            "answer": "1.2",
            "answer_type": "float",
            "category": "geometry",
            "prompt": "Hint.\nQ?",
        },
    ),
    "MathVerse Parquet": (
        "mathverse",
        "testmini.parquet",
        {
            "sample_index": "1",
            "problem_version": "Vision Only",
            "question": "Q?",
            "image": STRUCT,
            "answer": "A",
        }
        | {"question_type": "multi-choice", "query_wo": "Whole?"},
        {"kind": "open", "answer": "A", "category": "Vision Only", "prompt": "Whole?"},
    ),
    "MathVision TSV": (
        "mathvision",
        "MathVision.tsv",
        {
            "index": 1,
            "image": TEXT,
            "question": "Q?",
            "choices": "['1', '2']",
            "answer": "B",
            "category": "algebra",
        },
        {"options": ["1", "2"], "answer": "B", "kind": "choice"},
    ),
    "MathVision Parquet": (
        "mathvision",
        "test-00000-of-00001.parquet",
        {"id": "1", "question": "<image1> Q?", "options": []}
        | {"decoded_image": STRUCT, "answer": "\\frac{1}{2}", "subject": "algebra"},
        {"options": [], "answer": "\\frac{1}{2}", "kind": "open"},
    ),
    "LogicVista TSV": (
        "logicvista",
        "LogicVista.tsv",
        {"index": 1, "image": TEXT, "question": "Q? A, B, C or D", "answer": "A, C", "skill": "inductive"},
        {"kind": "open", "answer": "A, C", "category": "inductive"},
    ),
    "TreeBench TSV": (
        "treebench",
        "TreeBench.tsv",
        {"index": 1, "image": TEXT, "question": "Q?", **LETTERS, "answer": "C", "category": "Perception"}
        | {"target_instances": "[[2, 2, 10, 10], [20, 8, 60, 30]]"},
        {"boxes": [[2.0, 2.0, 10.0, 10.0], [20.0, 8.0, 48.0, 30.0]], "evidence_box": [2.0, 2.0, 48.0, 30.0]},
    ),
}
