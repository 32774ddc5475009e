"""Every fenced block of README.md and docs/ is run, or held against what there is.

- console: every line is one of our commands, or a target, stage, deployment or option that exists
  (`docs_commands`). With `run=WORLD` our commands are run in a small project (`docs_worlds`); what they print
  is compared (`docs_outputs`). `console stages`: the output is of stages, `make` or pytest.
- python: runs in the small project `run=WORLD`, or in a finished run. `file=PATH`: a file of somebody's own.
- text output: what the block before prints.
- text graph, text tree, text prompt: the graph of stages, the rooms, a prompt of the export.
- text example: what an example prints (tests/examples).
- yaml: an overlay for params.yaml. `yaml experiment`: a file of configs/experiments.

Any other block fails.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from command_line import vzero
from docs_blocks import PAGES, ROOT, Block, blocks, console_commands
from docs_commands import check_line
from docs_outputs import check_output, normal
from docs_worlds import WORLDS

from vzero.commands import diff, versions
from vzero.config import parse_params, read_yaml
from vzero.experiments.settings import arm_tree, load_experiment
from vzero.overlays import merge

BLOCKS = [block for page in PAGES for block in blocks(page)]
STAGES = read_yaml(ROOT / "dvc.yaml")["stages"]
WIDTH = "140"  # characters of the console
# The bytes do not depend on the number of processes, and to start them takes longer than the work.
ONE_PROCESS = mock.patch("vzero.workers.local.available_processors", return_value=1)


def of(language: str, *rules: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language and block.rule in rules]


def names(found: list[Block]) -> list[str]:
    return [block.name for block in found]


CONSOLE = of("console", "", "numbers", "stages")
PYTHON = of("python", "")
FILES = [block for block in BLOCKS if block.rule.startswith("file=")]  # tests/methods/test_documented_method
YAML = of("yaml", "")
EXPERIMENTS = of("yaml", "experiment")
OUTPUTS = of("text", "output", "output numbers", "output columns")
DRAWN = of("text", "graph", "tree", "prompt", "example")


def test_every_block_has_a_rule():
    checked = [*CONSOLE, *PYTHON, *FILES, *YAML, *EXPERIMENTS, *OUTPUTS, *DRAWN]
    assert names([block for block in BLOCKS if block not in checked]) == []
    # An output belongs to the block before it; a console block that is not run shows none, but for stages'.
    follows = [BLOCKS[number + 1] for number, block in enumerate(BLOCKS[:-1]) if block in PYTHON]
    assert names([block for block in OUTPUTS if block not in follows]) == []
    silent = [block for block in CONSOLE if not block.world and block.rule != "stages"]
    assert names([block for block in BLOCKS if block.world not in (None, "exported", "step", *WORLDS)]) == []
    assert names([b for b in silent if any(command.output for command in console_commands(b))]) == []


@pytest.mark.parametrize("block", CONSOLE, ids=names(CONSOLE))
def test_commands_exist(block: Block):
    for command in console_commands(block):
        check_line(command.line)


@pytest.fixture(scope="module")
def shared_worlds(made_project: Path) -> dict[str, Path]:
    """Small projects by name. Blocks that share one find what those before have left."""
    return {"exported": made_project, "step": made_project}


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_what_a_page_runs_prints_what_it_says(
    page: Path, shared_worlds: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
):
    own = list(blocks(page))
    shared_worlds.pop("overlays", None)  # which every page changes for itself
    for block, behind in zip(own, [*own[1:], None], strict=True):
        run = RUNS.get(block.language)
        if run is None or block in FILES or not (block.world or block.language == "python"):
            continue
        name = block.world or ("checkout" if "bench/" in block.text else "example")
        if name not in shared_worlds:
            shared_worlds[name] = tmp_path_factory.mktemp(name)
            WORLDS[name](shared_worlds[name])
        run(block, behind, shared_worlds[name])


def _run_commands(block: Block, behind: Block | None, root: Path) -> None:
    for command in console_commands(block):
        words = command.line.partition("  #")[0].split()
        if words[0] != "vzero":
            assert not command.output, f"{block.name}: {words[0]} is not run, so it shows nothing"
            continue
        with _versions_in_folders(), ONE_PROCESS:
            ended = vzero(*words[1:], cwd=root, COLUMNS=WIDTH)
        printed = ended.stdout + ended.stderr
        if command.output:
            check_output(command.output, printed, block.rule, block.name)
        else:
            assert ended.returncode == 0, printed


@contextlib.contextmanager
def _versions_in_folders() -> Iterator[None]:
    """`vzero diff` finds revisions as folders; how DVC finds them is tested with a repository."""

    def files_at(root: Path, revision: str, place: Path) -> dict[str, Path]:
        base = root if revision == versions.WORKSPACE else root / revision
        return {sha256(file.read_bytes()).hexdigest(): file for file in sorted((base / place).glob("*"))}

    with mock.patch.object(diff, "files_at", files_at):
        yield


def _run_python(block: Block, behind: Block | None, root: Path) -> None:
    printed = io.StringIO()
    with contextlib.chdir(root), contextlib.redirect_stdout(printed), pl.Config():
        known = _step() if block.world == "step" else {}
        exec(compile(block.text, block.name, "exec"), known)
    if behind in OUTPUTS:
        check_output(behind.text, printed.getvalue(), behind.rule.removeprefix("output").strip(), behind.name)
    if "credit" in known:
        assert known["credit"].weights.shape == (len(known["answers"]),)
        assert known["credit"].weights.std() > 0


def _find_prompt(block: Block, behind: Block | None, root: Path) -> None:
    """It is one of those that the command before it has exported."""
    rows = pl.read_parquet(root / "data/export/verl/*.parquet")
    prompts = [normal(messages[-1]["content"], "") for messages in rows["teacher_raw_prompt"].to_list()]
    assert normal(block.text, "") in prompts


RUNS: dict[str, Callable[[Block, Block | None, Path], None]] = {
    "console": _run_commands,
    "python": _run_python,
    "text": _find_prompt,
}


def _step() -> dict[str, Any]:
    """The names that the README's step uses: modules' functions, and a project's models."""
    import torch
    from small_project import settings

    from vzero.methods import base, method_of
    from vzero.models import encoding, loading, prompt
    from vzero.paths import Paths
    from vzero.rollout import generate, replay, sampler
    from vzero.signals import aggregation
    from vzero.train import batches
    from vzero.train import loss as train_loss

    params, paths, known = settings(), Paths(), {"torch": torch}
    for module in (encoding, prompt, generate, replay, aggregation, base, batches, train_loss):
        known |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
    student = loading.load_model(params.models.student, params.models, trainable=True)
    optimizer = torch.optim.AdamW(student.network.parameters(), lr=params.train.learning_rate)
    return known | {
        "paths": paths,
        "train": params.train,
        "method": (method := method_of(params.train.method)),
        "loss": train_loss.Loss(method.settings.terms(), method.target, 1.0),
        "sampler": sampler.Decoder(student),
        "index": batches.training_index(paths, method.roles),
        "student": student,
        "teacher": loading.load_model(params.models.teacher, params.models, trainable=False),
        "optimizer": optimizer,
        "step": 0,
    }


@pytest.mark.parametrize("block", YAML, ids=names(YAML))
def test_yaml_is_an_overlay(block: Block, tmp_path: Path):
    (tmp_path / "overlay.yaml").write_text(block.text)
    merged = read_yaml(ROOT / "params.yaml")
    list(merge(merged, read_yaml(tmp_path / "overlay.yaml")))
    parse_params(merged, origin=block.name)


@pytest.mark.parametrize("block", EXPERIMENTS, ids=names(EXPERIMENTS))
def test_an_experiment_can_be_run(block: Block, tmp_path: Path):
    (tmp_path / "one.yaml").write_text(block.text)
    experiment = load_experiment(tmp_path / "one.yaml")
    for arm in experiment.arms:
        arm_tree(experiment, arm, read_yaml(ROOT / "params.yaml"))


STAGE_BLOCKS = of("console", "stages")


@pytest.mark.parametrize("block", STAGE_BLOCKS, ids=names(STAGE_BLOCKS))
def test_output_of_make_is_of_what_there_is(block: Block):
    """Lines of stages and of the audit, the last line of the Makefile's target, and pytest's."""
    for line in "".join(command.output for command in console_commands(block)).splitlines():
        stage = line.partition(":")[0].split()
        known = (
            line == "..."
            or (stage[0] in {*STAGES, "audit"} and ": " in line)
            or (line.startswith("The report: ") and 'echo "The report: ' in (ROOT / "Makefile").read_text())
            or re.fullmatch(r"\d+ passed, .*", line)
        )
        assert known, f"{block.name}: {line}"


def test_the_graph_has_all_stages():
    [block] = of("text", "graph")
    named = re.findall(r"[a-z]{3,}", block.text.replace("(matrix)", ""))
    always = [name for name, stage in STAGES.items() if "foreach" not in stage]
    # Frozen models' cells are a stage of their own.
    assert set(named) == {name.partition("-")[0] for name in always}


def test_the_tree_has_all_rooms_and_nothing_else():
    [block] = of("text", "tree")
    listed = re.findall(r"(?m)^(  )?([\w.]+[/y](?:, [\w.]+)*)  ", block.text)
    inside = {one for indented, several in listed if indented for one in several.split(", ")}
    package = {f"{path.name}/" for path in (ROOT / "vzero").iterdir() if (path / "__init__.py").is_file()}
    modules = {path.name for path in (ROOT / "vzero").glob("[a-z]*.py")}
    assert inside == package | modules
    top = {several for indented, several in listed if not indented}
    assert all((ROOT / name).is_dir() for name in top)
