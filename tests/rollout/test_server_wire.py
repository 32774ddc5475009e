"""What goes to a server and what is read of it, in the form of vLLM 0.32."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import pytest
import torch
from made_prompts import student_prompt
from tiny_models import save_tiny

from vzero.config import Models
from vzero.errors import SamplerError
from vzero.imaging import encode_png
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompt import Prompt, prompt_of_text
from vzero.rollout.sampling import Sampling
from vzero.rollout.server.pictures import features_of, packed, unpacked
from vzero.rollout.server.wire import (
    Request,
    answers_of,
    completion_body,
    generate_body,
    versions_of,
)

SAMPLING = Sampling(0.7, max_new_tokens=3, top_p=0.9, top_k=5)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load_model(save_tiny(tmp_path_factory.mktemp("model"), layers=2), Models())


@pytest.fixture(scope="module")
def prompt(model: LoadedModel) -> Prompt:
    picture = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    return student_prompt(model, encode_png(picture), "What letter is it?", ["K", "B"])


@pytest.fixture
def request_of(model: LoadedModel, prompt: Prompt) -> Callable[..., Request]:
    def make(**changed: Any) -> Request:
        return Request(
            **{"model": model, "prompt": prompt, "times": 2, "sampling": SAMPLING, "seed": 7} | changed
        )

    return make


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_pixels_arrive_as_they_were_sent(dtype: torch.dtype):
    pixels = torch.randn(8, 6, generator=torch.manual_seed(0)).to(dtype)
    there, grid = unpacked(packed(pixels, torch.tensor([1, 2, 4])))
    assert there.dtype == dtype and torch.equal(there, pixels)
    assert grid.tolist() == [1, 2, 4]


def test_an_item_has_the_form_that_vllm_reads():
    item = msgpack.unpackb(base64.b64decode(packed(torch.ones(4, 1), torch.tensor([1, 2, 2]))))
    assert item["pixel_values"] == {
        "data": ["float32", [4, 1], msgpack.ExtType(3, torch.ones(4).numpy().tobytes())],
        "field": ["flat", {"keep_on_cpu": False, "slices": [[0, 4, None]], "dim": 0}],
    }
    assert item["image_grid_thw"]["data"][:2] == ["int64", [3]]
    assert item["image_grid_thw"]["field"] == ["batched", {"keep_on_cpu": True}]


def test_pictures_are_where_their_tokens_are_and_named_by_pixels_and_weights(model, prompt):
    features = features_of(model, prompt, "v1")
    [place] = features["mm_placeholders"]["image"]
    seen = [n for n, token in enumerate(prompt.token_ids) if token == model.image_token]
    assert (place["offset"], place["length"]) == (seen[0], len(seen))
    pixels, _ = unpacked(features["kwargs_data"]["image"][0])
    assert torch.equal(pixels, torch.as_tensor(prompt.pixels[0]()[0]))
    assert features_of(model, prompt, "v1")["mm_hashes"] == features["mm_hashes"]
    assert features_of(model, prompt, "v2")["mm_hashes"] != features["mm_hashes"]
    assert features_of(model, prompt_of_text(model, "What?"), "v1") is None


def test_a_request_says_how_tokens_are_drawn(model, prompt, request_of):
    body = generate_body(request_of(), version="v3", attempt=2)
    drawn = body["sampling_params"]
    assert body["token_ids"] == list(prompt.token_ids)
    assert body["cache_salt"] == "v3"
    assert body["request_id"].startswith("vzero-7-") and body["request_id"].endswith("-2")
    assert {name: drawn[name] for name in ("n", "temperature", "top_p", "top_k", "max_tokens")} == {
        "n": 2, "temperature": 0.7, "top_p": 0.9, "top_k": 5, "max_tokens": 3,
    }  # fmt: skip
    assert drawn["stop_token_ids"] == model.end_tokens and drawn["ignore_eos"]
    assert set(drawn["logit_bias"]) == {str(token) for token in model.banned_tokens}
    assert 0 <= drawn["seed"] < 2**62  # the answers after the first have the numbers after it, of 63 bits


def test_what_the_tokenizer_lacks_is_never_to_be_drawn(model, request_of, monkeypatch):
    monkeypatch.setattr(model.network.config.text_config, "vocab_size", model.vocabulary + 2)
    bias = generate_body(request_of(), version="", attempt=1)["sampling_params"]["logit_bias"]
    assert {str(model.vocabulary), str(model.vocabulary + 1)} < set(bias)


def test_seeds_are_of_a_seed_and_a_prompt(model, request_of):
    def seed(**changed: Any) -> int:
        return generate_body(request_of(**changed), version="", attempt=1)["sampling_params"]["seed"]

    other = prompt_of_text(model, "What?")
    assert seed() == seed(times=5)
    assert len({seed(), seed(seed=8), seed(prompt=other), seed(prompt=other, seed=8)}) == 4


def test_without_the_first_path_prompts_without_pictures_are_answered_by_the_other(model, request_of):
    body = completion_body(request_of(prompt=prompt_of_text(model, "What?")), version="v", attempt=1)
    assert body["prompt"] == list(prompt_of_text(model, "What?").token_ids)
    assert body["return_token_ids"] and body["n"] == 2 and body["logprobs"] == 0
    with pytest.raises(SamplerError, match="--enable-scale-out"):
        completion_body(request_of(), version="v", attempt=1)


def reply(prompt: Prompt, *answers: list[int], **changed: Any) -> dict[str, Any]:
    choices = [
        {
            "index": n,
            "token_ids": ids,
            "logprobs": {"content": [{"token_id": t, "logprob": -1.0} for t in ids]},
        }
        for n, ids in enumerate(answers)
    ]
    return {"prompt_token_ids": list(prompt.token_ids), "choices": choices} | changed


def test_answers_are_read_in_their_order_with_their_log_probs(model, prompt, request_of):
    [end, *_] = model.end_tokens
    said = reply(prompt, [20, 21, 22], [20, end])
    said["choices"].reverse()
    said["choices"][0]["logprobs"] = {"token_logprobs": [-0.5, -0.25]}
    first, second = answers_of(said, request_of())
    assert (first.token_ids, first.logprobs) == ([20, 21, 22], [-1.0, -1.0, -1.0])
    assert (second.token_ids, second.logprobs) == ([20, end], [-0.5, -0.25])


def test_greedy_answers_are_alike_so_one_is_asked_for(prompt, request_of):
    greedy = request_of(sampling=Sampling(0.0, 3))
    assert generate_body(greedy, version="", attempt=1)["sampling_params"]["n"] == 1
    first, second = answers_of(reply(prompt, [20, 21, 22]), greedy)
    assert first == second


WRONG = {
    "the server answered another prompt: 3 tokens": lambda said: said | {"prompt_token_ids": [1, 2, 3]},
    "another form": lambda said: {"choices": []},
    "1 answers where 2": lambda said: said | {"choices": said["choices"][:1]},
    "--max-model-len": lambda said: changed_choice(said, token_ids=[20], logprobs={"token_logprobs": [-1.0]}),
    "4 tokens with 4": lambda said: changed_choice(
        said, token_ids=[20] * 4, logprobs={"token_logprobs": [-1.0] * 4}
    ),
    "3 tokens with 1": lambda said: changed_choice(said, logprobs={"token_logprobs": [-1.0]}),
    "logit_bias was not kept": lambda said: changed_choice(said, token_ids=[20, 21, 5]),
    "where the tokenizer has": lambda said: changed_choice(said, token_ids=[20, 21, 9999]),
}


def changed_choice(said: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return said | {"choices": [said["choices"][0] | changes, *said["choices"][1:]]}


@pytest.mark.parametrize("words", WRONG)
def test_a_reply_to_something_else_is_an_error_that_says_what_is_wrong(words, model, prompt, request_of):
    assert model.image_token == 5
    with pytest.raises(SamplerError, match=words):
        answers_of(WRONG[words](reply(prompt, [20, 21, 22], [23, 24, 25])), request_of())


def test_the_weights_of_an_answer_are_told_where_the_server_tells_them(prompt):
    said = reply(prompt, [20, 21, 22])
    assert versions_of(said) == set()
    spans = [{"version": "a", "start": 0, "end": 1}, {"version": "b", "start": 1, "end": 3}]
    assert versions_of(changed_choice(said, weight_versions=spans)) == {"a", "b"}
