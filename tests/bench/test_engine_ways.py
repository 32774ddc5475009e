"""The ways that the engine's benchmark compares do the same work, here on a picture of four tokens."""

from __future__ import annotations

import pytest
import torch
from trl.data_utils import prepare_multimodal_messages

from bench.engine import naive, settings, shared, trl_trainer
from vzero.models.encoding import encode


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    settings.write_large_models(folder)
    return folder


@pytest.fixture
def setting(models):
    return settings.noise(models, image_size=(32, 32), answer_tokens=3)


def test_the_large_prompt_has_1024_tokens(models):
    setting = settings.large(models)
    assert encode(setting.student, setting.student_prompts).lengths.tolist() == [1024]


def test_both_replays_see_the_same(setting):
    for ours, theirs in zip(shared.replay_views(setting), naive.replay_views(setting), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "way", [shared.stepper, shared.ungated_stepper, shared.updater, naive.stepper, naive.updater]
)
def test_every_way_updates_the_student(way, setting):
    before = [parameter.clone() for parameter in setting.student.network.parameters()]
    way(setting)()
    after = setting.student.network.parameters()
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))


def test_the_plain_way_samples_answers_of_full_length(setting):
    assert naive.sample(setting).shape == (settings.GROUP, 3)


def test_trl_is_asked_what_our_student_is_asked(setting):
    processor = trl_trainer.StillImageProcessor(setting.student.image_processor, setting.student.tokenizer)
    row = trl_trainer.dataset(setting)[0]
    messages = prepare_multimodal_messages(row["prompt"], images=row["images"])
    asked = processor.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    ours = encode(setting.student, setting.student_prompts)
    assert torch.equal(asked["input_ids"], ours.token_ids)
    assert torch.equal(asked["pixel_values"], ours.pixels)


def test_trl_takes_one_step_a_call_with_a_row_for_every_answer(setting, tmp_path):
    assert len(trl_trainer.dataset(setting)) == settings.GROUP
    step = trl_trainer.stepper(setting, tmp_path)
    first, second = step(), step()
    assert first > 0.0
    assert second > 0.0
