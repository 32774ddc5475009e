"""Teachers that are the student's past, or wait in main memory; students with adapters."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_project import settings

import vzero
from vzero.config import Models, Params, SelfPlay
from vzero.errors import ModelError
from vzero.models.adapters import add_adapters, merge_adapters
from vzero.models.loading import LoadedModel, load_model
from vzero.models.offloading import movable, park, resident
from vzero.paths import Paths
from vzero.shards import read
from vzero.stages import train
from vzero.tables import Rollouts
from vzero.train.teacher import average, load_student, load_teacher


def folders(project: Paths) -> dict:
    return {name: project.resolve(getattr(settings().models, name)) for name in ("student", "teacher")}


def models(project: Paths, **changes) -> tuple[LoadedModel, LoadedModel]:
    params = settings(**changes)
    student = load_student(folders(project)["student"], params, torch.device("cpu"))
    return student, load_teacher(student, folders(project), params, device="cpu")


def difference(a: LoadedModel, b: LoadedModel) -> float:
    return max(
        (x - y).abs().max().item()
        for x, y in zip(a.network.parameters(), b.network.parameters(), strict=True)
    )


def test_the_initial_teacher_is_the_student_before_training(project: Paths):
    student, teacher = models(project, teacher={"kind": "initial"})
    assert difference(student, teacher) == 0.0
    assert not any(p.requires_grad for p in teacher.network.parameters())
    train.run(settings(teacher={"kind": "initial"}, steps=2), project)
    # At first student and teacher agree about everything but the crop.
    assert read(project.rollouts, Rollouts).height == 24


def test_a_solver_that_only_votes_may_have_a_vocabulary_of_its_own():
    weights, selfplay = Path(vzero.__file__).parent / "needle/weights", SelfPlay()
    places = {"student": weights / "player", "teacher": weights / "student"}
    writer = load_model(places["student"], Models())
    voting = Params(train=selfplay.questioner.training(selfplay.questioner_method()))
    solver = load_teacher(writer, places, voting, device="cpu")
    assert solver.tokenizer.get_vocab() != writer.tokenizer.get_vocab()
    with pytest.raises(ModelError, match="different vocabularies"):
        load_teacher(writer, places, Params(), device="cpu")


def test_the_average_moves_by_its_share(project: Paths):
    student, teacher = models(project, teacher={"kind": "ema", "decay": 0.75})
    weight, moving = (m.network.get_input_embeddings().weight.data for m in (student, teacher))
    moving.fill_(1.0)
    weight.fill_(3.0)
    average(teacher, student, decay=0.75)
    assert moving.unique().tolist() == [1.5]


def test_the_average_is_kept_in_fp32_whatever_the_precision(project: Paths):
    params = settings(teacher={"kind": "ema"})
    params = params.model_copy(update={"models": params.models.model_copy(update={"precision": "bf16"})})
    student = load_student(folders(project)["student"], params, torch.device("cpu"))
    teacher = load_teacher(student, folders(project), params, device="cpu")
    assert {p.dtype for p in teacher.network.parameters()} == {torch.float32}
    assert teacher.autocast == torch.bfloat16
    with torch.no_grad():
        student.network.get_input_embeddings().weight.mul_(1 + 1e-5)
    average(teacher, student, decay=0.9)
    assert difference(teacher, student) > 0.0
    bare = models(project)[0]
    assert difference(teacher, bare) > 0.0  # a step of 1e-6 of a weight, which bf16 would lose


def test_a_moving_teacher_is_part_of_the_checkpoint(project: Paths, monkeypatch):
    """Stopped after the checkpoint at step 2 of 4 and run again, it ends as without the stop."""
    params = settings(teacher={"kind": "ema", "decay": 0.5}, learning_rate=1e-2)
    from vzero.train import loop

    original = loop.score_step

    def stopping(*args, step, **kwargs):
        if step == 3:
            raise InterruptedError
        return original(*args, step=step, **kwargs)

    monkeypatch.setattr(loop, "score_step", stopping)
    with pytest.raises(InterruptedError):
        train.run(params, project)
    monkeypatch.setattr(loop, "score_step", original)
    train.run(params, project)
    resumed = read(project.rollouts, Rollouts)
    for run in (project.scratch / "train").iterdir():
        for checkpoint in (run / "checkpoints").iterdir():
            assert (checkpoint / "teacher-00001-of-00001.safetensors").is_file()
            for file in checkpoint.iterdir():
                file.unlink()
            checkpoint.rmdir()
    train.run(params, project)
    assert read(project.rollouts, Rollouts).equals(resumed)


def test_parking_moves_everything_but_the_output_layer(project: Paths):
    teacher = load_model(folders(project)["teacher"], Models())
    moved = {tensor.data_ptr() for tensor in movable(teacher)}
    stay = {n for n, p in teacher.network.named_parameters() if p.data_ptr() not in moved}
    assert stay == {"model.language_model.embed_tokens.weight"}  # tied to the output layer
    assert {b.data_ptr() for b in teacher.network.buffers()} <= moved


def test_adapters_begin_by_adding_nothing_and_merge_into_an_ordinary_model(project: Paths):
    student, _ = models(project)
    before = {name: p.clone() for name, p in student.network.named_parameters()}
    add_adapters(student, rank=4, alpha=8)
    trained = [p for p in student.network.parameters() if p.requires_grad]
    assert 0 < sum(p.numel() for p in trained) < 0.5 * sum(p.numel() for p in before.values())
    with torch.no_grad():
        for parameter in trained:
            parameter.add_(0.01)
    merge_adapters(student)
    after = dict(student.network.named_parameters())
    assert after.keys() == before.keys()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed
    assert all("language_model.layers" in name for name in changed)


def test_a_student_with_adapters_trains_and_is_saved_as_an_ordinary_model(project: Paths):
    train.run(settings(steps=2, lora={"rank": 2, "alpha": 4}, learning_rate=1e-2), project)
    trained, base = load_model(project.trained_model, Models()), models(project)[0]
    changed = {
        name
        for (name, a), b in zip(trained.network.named_parameters(), base.network.parameters(), strict=True)
        if not torch.equal(a, b)
    }
    assert changed
    assert not any("embed_tokens" in name or "visual" in name for name in changed)


def test_parking_without_a_second_device_keeps_the_numbers(project: Paths):
    teacher = load_model(folders(project)["teacher"], Models())
    before = [p.clone() for p in teacher.network.parameters()]
    park(teacher)
    assert all(torch.equal(a, b) for a, b in zip(before, teacher.network.parameters(), strict=True))


def test_a_parked_model_visits_the_device_as_a_copy_and_nothing_comes_back(project: Paths, monkeypatch):
    teacher = load_model(folders(project)["teacher"], Models())
    park(teacher)
    homes = [tensor.data_ptr() for tensor in movable(teacher)]
    moved = torch.Tensor.to
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *where, **how: moved(self, *where, copy=True))
    with resident(teacher, torch.device("cpu")):
        assert not set(homes) & {tensor.data_ptr() for tensor in movable(teacher)}
        monkeypatch.delattr(torch.Tensor, "to")  # from here on nothing may be moved
    monkeypatch.undo()
    assert [tensor.data_ptr() for tensor in movable(teacher)] == homes
