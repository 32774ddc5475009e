"""Every end token that a model's folder names ends an answer, wherever answers are sampled and read."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from rollout_passes import prompts
from tiny_models import FAMILIES, save_tiny

from vzero.config import Models
from vzero.errors import ModelError
from vzero.models.encoding import encode
from vzero.models.loading import LoadedModel, check_pair, load_model
from vzero.models.prompt import prompt_of_text
from vzero.rollout.generate import generate
from vzero.rollout.sampling import Sampling

PAD, TURN_END = 0, 2  # <|endoftext|>, which also pads, and <|im_end|>, the tokenizer's own
ASKED = "What letter is it?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    torch.set_num_threads(1)
    return save_tiny(tmp_path_factory.mktemp("model"), layers=2)


def configured(folder: Path, generation: dict[str, Any] | str | None) -> LoadedModel:
    """The folder's model with another generation_config.json; None: without one."""
    path = folder / "generation_config.json"
    path.unlink(missing_ok=True)
    if generation is not None:
        path.write_text(generation if isinstance(generation, str) else json.dumps(generation))
    return load_model(folder, Models())


@pytest.mark.parametrize(
    ("generation", "expected"),
    [
        ({"eos_token_id": TURN_END}, [TURN_END]),
        ({"eos_token_id": [TURN_END, PAD]}, [TURN_END, PAD]),
        ({"eos_token_id": PAD}, [TURN_END, PAD]),  # a chat's turn ends with the tokenizer's own all the same
        ({"eos_token_id": [PAD, 30, TURN_END]}, [TURN_END, PAD, 30]),
        ({"eos_token_id": [TURN_END, 151_643]}, [TURN_END]),  # no token of this tokenizer
        ({"eos_token_id": []}, [TURN_END, 31]),  # here and below the config's
        ({"eos_token_id": None}, [TURN_END, 31]),
        ({}, [TURN_END, 31]),
        (None, [TURN_END, 31]),
    ],
)
def test_end_tokens_of_a_folder(folder, tmp_path, generation, expected):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["eos_token_id"] = 31
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert configured(tmp_path, generation).end_tokens == expected


@pytest.mark.parametrize(
    "generation", ["{", "[2]", '{"eos_token_id": "<|im_end|>"}', '{"eos_token_id": [2.5]}']
)
def test_a_generation_config_that_says_nothing_clear_is_refused(folder, generation):
    with pytest.raises(ModelError, match=r"generation_config\.json: (cannot|must|eos_token_id must)"):
        configured(folder, generation)


def test_answers_end_at_any_of_them_and_their_text_before_it(folder, monkeypatch):
    model = configured(folder, {"eos_token_id": [TURN_END, PAD, 60]})
    # The first and the third answer end first: the fourth takes the first's slot.
    script = iter([[40, 43, 46, 49], [PAD, 44, 60, 50], [51, TURN_END, 70, 71], [52, 72, 73, 74]])
    likeliest = partial(torch.nn.functional.one_hot, num_classes=len(model.tokenizer))
    monkeypatch.setattr(
        "vzero.rollout.sampling.vocabulary_logits",
        lambda model, hidden: likeliest(torch.tensor(next(script))).float(),
    )
    (answers,) = generate(
        model, [prompt_of_text(model, ASKED)], Sampling(0.0, max_new_tokens=4), group=4, seed=0
    )
    assert [answer.token_ids for answer in answers] == [
        [40, PAD],
        [43, 44, TURN_END],
        [46, 60],
        [49, 50, 51, 52],
    ]
    assert [answer.finish_reason for answer in answers] == ["stop", "stop", "stop", "length"]
    assert [len(answer.logprobs) for answer in answers] == [2, 3, 2, 4]
    said = [[40], [43, 44], [46], [49, 50, 51, 52]]
    assert [answer.text for answer in answers] == [model.tokenizer.decode(ids) for ids in said]


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_end_where_the_librarys_own_end(tmp_path, family):
    model = load_model(save_tiny(tmp_path, family), Models())
    network: Any = model.network
    prompt = prompts(model)[1]
    settings = {"sampling": Sampling(0.0, max_new_tokens=6), "group": 1, "seed": 0}
    network.generation_config.eos_token_id = [TURN_END]
    ((unbounded,),) = generate(model, [prompt], **settings)
    # As if the third token, and one that never comes, were end tokens too.
    network.generation_config.eos_token_id = [TURN_END, unbounded.token_ids[2], PAD]
    ((answer,),) = generate(model, [prompt], **settings)
    encoded = encode(model, [prompt])
    expected = network.generate(
        input_ids=encoded.token_ids,
        attention_mask=encoded.mask,
        mm_token_type_ids=(encoded.token_ids == model.image_token).int(),
        pixel_values=encoded.pixels,
        image_grid_thw=encoded.grids,
        suppress_tokens=model.banned_tokens,
        do_sample=False,
        max_new_tokens=6,
    )
    assert answer.token_ids == expected[0, encoded.token_ids.shape[1] :].tolist()
    assert len(answer.token_ids) <= 3
    assert answer.finish_reason == "stop"


def test_a_student_must_end_where_its_teacher_does(folder):
    one, both = (configured(folder, {"eos_token_id": ids}) for ids in (TURN_END, [TURN_END, PAD]))
    check_pair(both, one)
    with pytest.raises(ModelError, match=r"ends answers with '<\|endoftext\|>', .* add 0 to eos_token_id"):
        check_pair(one, both)
