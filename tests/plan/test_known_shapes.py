"""Public models by name: their parameter counts to the last one, as their files' indexes say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_models import save_tiny
from transformers.models.qwen3_5.modeling_qwen3_5 import Qwen3_5VisionModel

from vzero.config import Models, Train
from vzero.config.methods import over_recipe
from vzero.errors import ConfigError, ModelError
from vzero.methods import method_of
from vzero.models.shapes import config_of, public_models
from vzero.train.memory import memory_of, size_of

PARAMETERS = {
    "Qwen2.5-VL-3B": 3_754_622_976,
    "Qwen2.5-VL-7B": 8_292_166_656,
    "Qwen2.5-VL-32B": 33_452_718_336,
    "Qwen2.5-VL-72B": 73_410_777_344,
    "Qwen3-VL-2B": 2_127_532_032,
    "Qwen3-VL-4B": 4_437_815_808,
    "Qwen3-VL-8B": 8_767_123_696,
    "Qwen3-VL-32B": 33_357_390_064,
    "Qwen3.5-4B": 4_539_265_536,
    "Qwen3.5-9B": 9_409_813_744,
    "Qwen3.5-27B": 27_356_728_560,
}
FROM_27B = Models(student=Path("Qwen3.5-4B"), teacher=Path("Qwen3.5-27B"), precision="bf16")
STUDENT, TEACHER, READ_OUT = PARAMETERS["Qwen3.5-4B"], PARAMETERS["Qwen3.5-27B"], 248_320 * 5120


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_counted_exactly(name: str):
    assert size_of(Path("data/models", name)).all == PARAMETERS[name]


def test_a_published_folder_may_say_what_it_was_tuned_for():
    assert config_of(Path("Qwen3-VL-8B-Instruct")).to_dict() == public_models()["Qwen3-VL-8B"]().to_dict()


def test_a_folder_that_is_there_goes_before_the_name(tmp_path: Path):
    folder = save_tiny(tmp_path / "Qwen3.5-4B")
    assert config_of(folder).get_text_config().hidden_size == 64


def test_an_unknown_name_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ModelError, match=r"data/models/Mine: no config.json .* known: Qwen3\.5-0\.8B, "):
        config_of(Path("data/models/Mine"))


def held(recipe: str = "paper", models: Models = FROM_27B, **train):
    settings = Train(**{"recipe": recipe, "mini_batches": 1} | train)
    return memory_of(settings, method_of(settings.method), models, processes=8)


def test_a_student_takes_sixteen_bytes_a_parameter_and_a_teacher_two():
    memory = held()
    assert (memory.weights, memory.gradients, memory.moments) == (4 * STUDENT, 4 * STUDENT, 8 * STUDENT)
    assert memory.frozen == 2 * TEACHER
    assert memory.while_scoring == 12 * STUDENT + 2 * TEACHER
    assert memory.while_learning == 16 * STUDENT + 2 * TEACHER
    assert memory.checkpoint == 12 * STUDENT


def test_an_offloaded_teacher_leaves_its_output_layer_while_the_student_learns():
    memory = held(teacher={"offload": True})
    assert memory.while_scoring == 12 * STUDENT + 2 * TEACHER
    assert memory.while_learning == 16 * STUDENT + 2 * READ_OUT
    assert memory.host == 2 * (TEACHER - READ_OUT)


def sharded(recipe: str = "paper", **train):
    settings = Train(**{"recipe": recipe} | train)
    return memory_of(settings, method_of(settings.method), FROM_27B, processes=8, sharded=True)


def test_a_sharded_student_keeps_a_slice_of_its_moments_beside_whole_weights():
    """A moving teacher is whole on each process, and in fp32. The layers' matrices are gathered in bf16."""
    memory = sharded(teacher={"kind": "ema"})
    linear = 2560 * (2 * 2048 + 2 * 4096 + 2 * 32) + 4096 * 2560
    attention = 2560 * (2 * 4096 + 2 * 1024) + 4096 * 2560
    block = 1024 * (3072 + 1024 + 2 * 4096) + 3072 + 1024 + 4096 + 1024  # with biases
    matrices = 24 * linear + 8 * attention + 32 * 3 * 2560 * 9216 + 24 * block
    assert memory.weights == 4 * STUDENT - 2 * matrices
    assert memory.while_learning == memory.weights + 4 * STUDENT + 12 * STUDENT // 8 + 4 * STUDENT
    assert memory.written == 8 * STUDENT // 8


def test_a_sharded_teacher_is_sliced_but_for_its_tower_and_output_layer():
    with torch.device("meta"):
        tower = Qwen3_5VisionModel(config_of(Path("Qwen3.5-27B")).vision_config)
    whole = READ_OUT + sum(weight.numel() for weight in tower.parameters())
    sliced = TEACHER - whole
    memory = sharded()
    assert memory.frozen == 2 * (whole + sliced // 8)
    # While it scores its embeddings are whole, the last norm, and two layers: of linear attention, by hand.
    projections = 5120 * (2 * 2048 + 6144 + 6144 + 2 * 48) + 6144 * 5120
    small = 4 * (2 * 2048 + 6144) + 2 * 48 + 128 + 2 * 5120
    layer = projections + small + 3 * 5120 * 17408
    assert memory.gathered == 2 * (READ_OUT + 5120 + 2 * layer)
    assert memory.while_scoring == memory.while_answering + memory.gathered
    assert sharded("sft").frozen == 2 * TEACHER, "who writes answers is not sliced"


def test_without_a_teacher_there_is_the_student_alone_and_a_reference_is_one_more():
    assert held("grpo").frozen == 0
    method = over_recipe("grpo", {"reference": {"kind": "k3"}}, group=4)
    assert held("grpo", method=method).frozen == 2 * STUDENT


def test_of_adapters_nothing_but_they_have_gradients():
    memory = held(lora={"rank": 8, "alpha": 16})
    assert memory.gradients < memory.weights / 100
    assert memory.moments == 2 * memory.gradients


def test_a_device_that_cannot_hold_the_models_is_refused_by_phase_and_setting():
    memory = held()
    with pytest.raises(ConfigError, match=r"the update holds 127\.3 GB .* has 120\.0: change train\.teacher"):
        memory.require(120 * 10**9)
    with pytest.raises(ConfigError, match=r"answering and scoring holds 109\.2 GB .* change models\.teacher"):
        memory.require(80 * 10**9)
    memory.require(128 * 10**9)


def test_nobody_is_told_to_offload_a_teacher_that_is_sliced():
    memory = sharded()
    with pytest.raises(ConfigError, match=r"the update holds .*: change train\.lora"):
        memory.require(memory.while_scoring)
