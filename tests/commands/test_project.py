"""`vzero init`: a project outside the checkout, and what happens when the installed code changes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from vzero import imports
from vzero.commands import project
from vzero.config import load_params, read_yaml
from vzero.errors import ConfigError, ProjectError
from vzero.graph import bodies
from vzero.paths import Paths

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project; tests change its `code.yaml` at most, and put it back."""
    folder = tmp_path_factory.mktemp("projects") / "new"
    project.lay_out(folder)
    return folder


def test_a_new_project_has_the_same_graph_on_its_own_models_and_none_of_the_code(new: Path):
    laid_out, ours = read_yaml(new / "dvc.yaml"), read_yaml(ROOT / "dvc.yaml")
    theirs = bodies(laid_out["stages"])
    for name, stage in bodies(ours["stages"]).items():
        code = [{"code.yaml": [f"stages.{name.split('-')[0]}"]}]
        deps = [dep for dep in stage["deps"] if not dep.startswith("vzero/")]
        assert theirs[name] == stage | {"deps": deps, "params": stage["params"] + code}
    assert laid_out | {"stages": ours["stages"]} == ours
    params = load_params(new / "params.yaml")
    assert (new / params.models.teacher / "model.safetensors").is_file()
    changed = {"models": {"student": "models/needle/student", "teacher": "models/needle/teacher"}}
    assert read_yaml(new / "params.yaml") == read_yaml(ROOT / "params.yaml") | changed | {
        "models": read_yaml(ROOT / "params.yaml")["models"] | changed["models"]
    }


def test_what_overlays_and_experiments_name_of_the_embedded_world_lies_in_the_project(new: Path):
    files = list((new / "configs").rglob("*.yaml"))
    named = {name for file in files for name in re.findall(r"models/needle/\w+", file.read_text())}
    assert named == {"models/needle/player", "models/needle/student"}
    assert all((new / name / "model.safetensors").is_file() for name in named)
    assert not any("needle/weights" in file.read_text() for file in files)


def test_deployments_of_a_project_name_flows_that_its_file_has(new: Path):
    entries = [each["entrypoint"] for each in read_yaml(new / "prefect.yaml")["deployments"]]
    there = re.search(r"__all__ = \[(.*)\]", (new / "deployments.py").read_text())
    assert there and {entry.partition(":")[2] for entry in entries} == set(re.findall(r'"(\w+)"', there[1]))
    assert {entry.partition(":")[0] for entry in entries} == {"deployments.py"}


def test_a_folder_with_such_files_is_left_alone(tmp_path: Path):
    (tmp_path / "params.yaml").write_text("mine")
    with pytest.raises(ConfigError, match=r"params\.yaml is there already"):
        project.lay_out(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_other_code_is_refused_until_the_project_is_told(new: Path):
    paths, code = Paths(new), new / "code.yaml"
    before = code.read_text()
    project.check_code(paths, "crops")
    code.write_text(before.replace("  crops: ", "  crops: 1"))
    with pytest.raises(ProjectError, match=r"run `vzero upgrade`"):
        project.check_code(paths, "crops")
    assert project.upgrade(paths) == ["crops"]
    assert code.read_text() == before


def test_the_hash_is_of_code_and_templates_but_not_of_the_version():
    files = imports.code_files("vzero.stages.report")
    names = {str(file.relative_to(imports.PACKAGE)) for file in files}
    assert {"stages/report.py", "report/page.html.jinja", "pages/page.css"} <= names
    assert "__init__.py" not in names and "stages/train.py" not in names


def test_outside_a_project_and_in_the_checkout_nothing_is_asked(tmp_path: Path):
    project.check_code(Paths(tmp_path), "crops")
    with pytest.raises(ProjectError, match=r"no code\.yaml in this folder"):
        project.upgrade(Paths(tmp_path))


@pytest.mark.long
def test_a_wheel_lays_out_a_project_that_runs(tmp_path: Path):
    """Built, installed and used far from the checkout; only the dependencies are of this environment."""
    source, site, home = tmp_path / "source", tmp_path / "site", tmp_path / "project"
    subprocess.run(["git", "clone", "--quiet", ROOT, source], check=True)
    pip = [sys.executable, "-m", "pip", "--quiet"]
    built = ["wheel", source, "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path]
    subprocess.run([*pip, *built], check=True)
    [wheel] = tmp_path.glob("vzero-*.whl")
    tracked = subprocess.check_output(["git", "ls-files", "vzero", "flows"], cwd=source, text=True).split()
    packed = {name for name in tracked if (source / name).is_file()}
    assert packed <= set(zipfile.ZipFile(wheel).namelist())
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    environment = os.environ | {
        "PYTHONPATH": str(site),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }

    def run(*command: str, cwd: Path = home) -> str:
        return subprocess.check_output(command, cwd=cwd, env=environment, text=True)

    where = run(sys.executable, "-c", "import vzero; print(vzero.__file__)", cwd=tmp_path)
    assert where.startswith(str(site))
    run(str(site / "bin/vzero"), "init", "project", cwd=tmp_path)
    run(sys.executable, "-m", "vzero", "use", "configs/smoke.yaml")
    assert "evaluate@trained-search" in run("dvc", "dag")
    assert "code.yaml" in run("dvc", "status")
    run("dvc", "repro", "crops")
    assert run("dvc", "status", "ingest", "crops").strip() == "Data and pipelines are up to date."
    flows = "import prefect.flows as f; print(f.load_flow_from_entrypoint('deployments.py:retrain').name)"
    assert run(sys.executable, "-c", flows).strip() == "retrain"
