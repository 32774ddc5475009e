"""Which passes a step of each recipe consists of, and what lies in memory beside them, worked out by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from itertools import chain
from pathlib import Path
from unittest import mock

import polars as pl
import pytest
from command_line import vzero

from vzero.config import Params, parse_params
from vzero.config.recipes import RECIPES
from vzero.methods import method_of
from vzero.plan import passes
from vzero.plan.cards import CARDS, IN_GRAPH, LAUNCH
from vzero.plan.depth import fewest, with_layers
from vzero.plan.fake import Shown, fake_prompt, image_tokens, sides_of
from vzero.plan.passes import Pass, Subject
from vzero.plan.planned import PlannedRun
from vzero.plan.step import Step
from vzero.plan.table import MEASURES, PHASES, Plan
from vzero.plan.tracing import Counts, Stages
from vzero.train.loss import Loss
from vzero.train.memory import size_of

MODELS = {"student": "Qwen3.5-4B", "teacher": "Qwen3.5-27B", "precision": "bf16"}
TRAIN = {"prompts": 8, "group": 4, "mini_batches": 2, "micro_tokens": 1200, "max_new_tokens": 50}
ROOT = Path(__file__).parents[2]


def params(recipe: str, **train) -> Params:
    return parse_params({"models": MODELS, "train": TRAIN | {"recipe": recipe} | train})


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What was asked of the passes; each costs a FLOP a prompt, and a GB at its peak."""
    asked: list[tuple] = []

    def standing_in(name: str, stages: tuple[str, ...]):
        def trace(subject: Subject, shape: Pass | None = None, *rest) -> Stages:
            size = len(shape.prompts) if isinstance(shape, Pass) else 0
            asked.append((name, subject.folder.name, size))
            return {stage: Counts(flops=size, kernels=1, peak=1e9, held=1e8) for stage in stages}

        return trace

    stages = {"prefilling": ("prefill",), "decoding": ("decode",), "scoring": ("replay",)}
    stages |= {"learning": ("forward", "backward"), "optimizing": ("step",)}
    for name, of_it in stages.items():
        monkeypatch.setattr(passes, name, standing_in(name, of_it))
    monkeypatch.setattr(
        passes, "loss", lambda *given: asked.append(("loss",)) or {"loss": Counts(kernels=1, peak=2e9)}
    )
    return asked


def phases(given: Params, processes: int = 1, *, naive: bool = False) -> dict:
    method = method_of(given.train.method)
    planned = PlannedRun(prompt_tokens=172, answer_tokens=50, crop_tokens=20, processes=processes)
    step = Step(given, method, planned, naive=naive)
    return dict(step.phases())


def test_a_step_of_the_paper_is_answered_replayed_twice_and_learnt_in_halves(traced: list[tuple]):
    found = phases(params("paper"))
    assert list(found) == [
        "sampling", "teacher_replay", "old_logprobs", "update", "optimizer_step", "checkpoint", "evaluate",
    ]  # fmt: skip
    # All prompts are answered together, and encoded six at a time, for six have less than 1,200 tokens. Later
    # a prompt with its answers is 172 + 4 x 50: three go together. The teacher's two views take 2 x 406.
    student, teacher = "Qwen3.5-4B", "Qwen3.5-27B"
    assert traced[:3] == [("decoding", student, 8), *(("prefilling", student, size) for size in (6, 2))]
    assert traced[3:11] == [("scoring", teacher, 1)] * 8
    assert traced[11:14] == [("scoring", student, size) for size in (3, 3, 2)]
    assert traced[14:18] == [("learning", student, 3), ("loss",), ("learning", student, 1), ("loss",)]
    assert found["sampling"].counts.flops == 2 * 8  # two stages
    assert found["update"].counts.kernels == 2 * 2 * 3  # mini-batches, passes; forward, loss, backward
    assert found["optimizer_step"].counts.kernels == 2


def test_what_lies_there_all_the_time_is_under_every_peak(traced: list[tuple]):
    found = phases(params("paper"))
    student, teacher = (size_of(Path(MODELS[name])).all for name in ("student", "teacher"))
    # The last prompts are encoded while the slots of all answers are there.
    assert found["sampling"].peak == 12 * student + 2 * teacher + 1e9 + 1e8
    # The loss comes while what the forward pass holds is there.
    assert found["update"].peak == 16 * student + 2 * teacher + 2e9 + 1e8
    assert found["evaluate"].peak == 2 * student + 1e9
    assert found["checkpoint"].disk == 2 * 12 * student


def test_fewer_slots_are_filled_several_times(traced: list[tuple]):
    """A prompt with its answer is 222 tokens: of 3,000 thirteen rows, three groups of four."""
    found = phases(params("paper", decode_tokens=3000))
    assert [asked for asked in traced if asked[0] == "decoding"][:3] == [
        ("decoding", "Qwen3.5-4B", size) for size in (3, 3, 2)
    ]
    assert found["sampling"].counts.flops == 2 * 8


def test_what_shares_nothing_encodes_a_prompt_for_every_answer(traced: list[tuple]):
    phases(params("paper"), naive=True)
    assert traced[1:9] == [("prefilling", "Qwen3.5-4B", 1)] * 8


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_differ_in_who_answers_and_who_is_asked(recipe: str, traced: list[tuple]):
    found = phases(params(recipe, mini_batches=1))
    assert ("teacher_replay" in found) == (recipe not in ("grpo", "sft"))
    assert traced[0][1] == ("Qwen3.5-27B" if recipe == "sft" else "Qwen3.5-4B")
    assert "old_logprobs" not in found, "the first update is the only one"


def test_a_term_for_the_student_at_the_start_is_a_phase(traced: list[tuple]):
    with_reference = params("grpo", method={"reference": {"kind": "k3"}})
    assert "reference_logprobs" in phases(with_reference)


def test_distributions_wait_for_the_loss_as_hidden_states(traced: list[tuple]):
    sampled, whole = phases(params("paper")), phases(params("needle"))
    kept = 8 * 4 * 50 * 5120 * 2
    assert whole["update"].peak - sampled["update"].peak == kept


def test_processes_share_the_prompts_and_naive_passes_have_no_other_phases(traced: list[tuple]):
    assert phases(params("paper"), processes=4)["sampling"].counts.flops == 2 * 2
    assert list(phases(params("paper"), naive=True)) == [
        "sampling", "teacher_replay", "old_logprobs", "update",
    ]  # fmt: skip


def test_the_slowest_of_products_bytes_and_launches_takes_a_cards_time():
    card = CARDS["H100"]
    exact = Counts(flops=67e12, fp32_flops=67e12)
    assert card.seconds(Counts(flops=989e12), tf32=False) == pytest.approx(1 / 0.4)
    assert card.seconds(exact, tf32=False) == pytest.approx(1 / 0.4)
    assert card.seconds(exact, tf32=True) == pytest.approx(67 / (989 / 2) / 0.4)
    assert card.seconds(Counts(bytes=3.35e12), tf32=False) == pytest.approx(1 / 0.85)
    assert card.seconds(Counts(flops=1, bytes=1, kernels=1e6), tf32=False) == pytest.approx(1e6 * LAUNCH)
    graphed = Counts(kernels=1e6, graphed=9e5)
    assert card.seconds(graphed, tf32=False) == pytest.approx(1e5 * LAUNCH + 9e5 * IN_GRAPH)


@pytest.mark.parametrize("recipe", ["paper", "needle"])
def test_three_chunks_of_a_loss_tell_what_all_cost(recipe: str):
    """At the vocabulary of 0.8B, of which 270 tokens are a chunk: eight of them, the last half full."""
    method = method_of(params(recipe).train.method)
    objective = Loss(method.settings.terms(), method.target, 1.0)
    subject = Subject(Path("Qwen3.5-0.8B"), "bf16", True, naive=False)
    teacher = replace(subject, trained=False) if objective.kept_roles else None
    told = passes.loss(subject, teacher, Pass(((Shown((9,), 6),),), 8, 256), objective)["loss"]
    with mock.patch.object(
        passes, "CHUNK_LOGITS", 1 << 40
    ):  # as if one chunk held them all: none is left out
        true = passes.loss(subject, teacher, Pass(((Shown((9,), 6),),), 8, 256), objective)["loss"]
    assert replace(told, peak=0) == replace(true, peak=0)
    assert told.peak == pytest.approx(true.peak, rel=0.02)


def test_a_prompt_is_as_long_as_it_is_said_to_be():
    shown = Shown((12, 4), 9)
    subject = Subject(Path("Qwen3.5-0.8B"), "bf16", False, naive=False)
    model = subject.load(with_layers(subject.config, fewest(subject.config)))
    prompt = fake_prompt(model, shown, "made up")
    assert len(prompt.token_ids) == shown.length == 25
    assert prompt.token_ids.count(model.image_token) == 16
    assert prompt.head == 12


def test_an_image_of_so_many_tokens_is_no_strip():
    assert image_tokens(3900) == 3900
    assert sides_of(3900) == (60, 65)
    assert image_tokens(3907) == 3906  # 3,907 is a prime; 62 x 63
    assert sides_of(image_tokens(1)) == (1, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--processes", "3"], "must be a multiple of --processes (3) times train.mini_batches (1)"),
        (["--processes", "0"], "--processes must be at least 1"),
        (["--prompt-tokens", "72"], "--prompt-tokens must be above 72"),
        (["--prompt-tokens", "30000"], "at most train.max_prompt_tokens (25000)"),
        (["--prompt-tokens", "24000", "--answer-tokens", "9000"], "above train.max_teacher_tokens (32768)"),
        (["--card", "H1000"], 'Did you mean "H100"?'),
    ],
)
def test_a_step_that_cannot_be_is_an_error_that_names_the_bound(words: list[str], said: str, tmp_path: Path):
    (tmp_path / "params.yaml").write_text(json.dumps({"models": MODELS}))
    changed = dict(zip(words[::2], words[1::2], strict=True))
    given = {"--prompt-tokens": "300", "--answer-tokens": "5"} | changed
    ended = vzero("plan", *chain.from_iterable(given.items()), cwd=tmp_path)
    assert ended.returncode == 2
    assert said in " ".join(ended.stderr.replace("│", " ").split())


@pytest.mark.long
def test_the_command_writes_every_recipe_and_ends_with_1_where_nothing_fits(tmp_path: Path):
    (tmp_path / "params.yaml").write_text(json.dumps({"models": MODELS}))
    line = [sys.executable, "-m", "vzero", "plan", "--prompt-tokens", "300", "--answer-tokens", "9"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    ended = subprocess.run(
        [*line, "--out", "plan.parquet"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 1, ended.stderr
    assert "update takes" in ended.stdout
    found = Plan.validate(pl.read_parquet(tmp_path / "plan.parquet"))
    assert set(found["recipe"]) == set(RECIPES)
    assert set(found["measure"].cast(str)) == set(MEASURES)
    assert set(found["phase"].cast(str)) == set(PHASES) - {"reference_logprobs", "old_logprobs"}
    cheaper = found.pivot(on="variant", values="value", index=["recipe", "phase", "measure"]).drop_nulls()
    flops = cheaper.filter(pl.col("measure") == "flops")
    assert (flops["shared"] <= flops["naive"]).all()
