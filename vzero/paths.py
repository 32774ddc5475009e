"""Where each artifact lives under the project root. A test holds this against `dvc.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    root: Path = Path()

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))

    def resolve(self, path: Path) -> Path:
        """A path from params: absolute or under `~` as it is, relative under the root."""
        return self.root / (path.expanduser() if path.parts[:1] == ("~",) else path)

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def scratch(self) -> Path:
        """Unfinished work that a rerun picks up; never versioned, safe to delete."""
        return self.root / ".vzero"

    # ingest
    @property
    def raw(self) -> Path:
        """What DVC watches for changes of the user's data."""
        return self.root / "data/raw"

    @property
    def images(self) -> Path:
        return self.root / "data/ingest/images"

    @property
    def samples(self) -> Path:
        return self.root / "data/ingest/samples"

    @property
    def rejects(self) -> Path:
        return self.root / "data/ingest/rejects"

    @property
    def funnel(self) -> Path:
        return self.root / "data/ingest/funnel"

    @property
    def objects(self) -> Path:
        return self.root / "data/ingest/objects"

    @property
    def cleanings(self) -> Path:
        return self.root / "data/ingest/cleanings"

    @property
    def benchmark_items(self) -> Path:
        """A folder for each benchmark."""
        return self.root / "data/ingest/benchmark_items"

    def items_of(self, benchmark: str) -> Path:
        return self.benchmark_items / benchmark

    @property
    def overlaps(self) -> Path:
        return self.root / "data/ingest/overlaps"

    @property
    def ingest_summary(self) -> Path:
        return self.root / "data/ingest/summary.json"

    # crops
    @property
    def crops(self) -> Path:
        return self.root / "data/crops/crops"

    @property
    def crops_summary(self) -> Path:
        return self.root / "data/crops/summary.json"

    # quality
    @property
    def quality_report(self) -> Path:
        return self.root / "data/quality"

    @property
    def quality(self) -> Path:
        return self.quality_report / "quality.parquet"

    @property
    def quality_page(self) -> Path:
        return self.quality_report / "index.html"

    # train
    @property
    def trained_model(self) -> Path:
        return self.root / "data/train/model"

    @property
    def trained_card(self) -> Path:
        """The card that lies with the weights, from before they were evaluated."""
        return self.trained_model / "README.md"

    @property
    def left_out(self) -> Path:
        return self.root / "data/train/left_out"

    @property
    def rollouts(self) -> Path:
        return self.root / "data/train/rollouts"

    @property
    def train_log(self) -> Path:
        return self.root / "data/train/train_log"

    @property
    def train_summary(self) -> Path:
        return self.root / "data/train/summary.json"

    # timings: what a clock said, apart, so that all other outs of two equal runs are the same bytes
    @property
    def train_timings(self) -> Path:
        return self.root / "data/timings/train"

    def evaluate_timings(self, model: str, benchmark: str) -> Path:
        return self.root / f"data/timings/evaluate/{model}-{benchmark}"

    @property
    def report_timings(self) -> Path:
        """The report's seconds."""
        return self.root / "data/timings/report.json"

    # evaluate
    def evaluation(self, model: str, benchmark: str) -> Path:
        """Folder of one matrix cell, holding `predictions/` and `scores/`."""
        return self.root / f"data/evaluate/{model}-{benchmark}"

    def replies(self, benchmark: str, model_hash: str) -> Path:
        """A model's replies to a benchmark, kept from run to run; never versioned, safe to delete."""
        return self.scratch / f"replies/{benchmark}-{model_hash[:16]}"

    def predictions(self, model: str, benchmark: str) -> Path:
        return self.evaluation(model, benchmark) / "predictions"

    def scores(self, model: str, benchmark: str) -> Path:
        return self.evaluation(model, benchmark) / "scores"

    # selfplay: a folder a stage and iteration
    @property
    def photographs(self) -> Path:
        """A folder for each place of images."""
        return self.root / "data/selfplay/photographs"

    def photographs_of(self, place: str) -> Path:
        return self.photographs / place

    def photograph_rejects(self, place: str) -> Path:
        return self.root / "data/selfplay/photograph_rejects" / place

    def selfplay(self, stage: str, iteration: str) -> Path:
        """Of `questioner`, `questions`, `votes` or `solver`."""
        return self.root / f"data/selfplay/{stage}-{iteration}"

    def solver_model(self, solver: str) -> Path:
        """Of an evaluated Solver, such as solver-2."""
        return self.root / f"data/selfplay/{solver}/model"

    def selfplay_timings(self, stage: str, iteration: str) -> Path:
        return self.root / f"data/timings/selfplay/{stage}-{iteration}"

    # audit: what people are told of self-play, outside the graph
    @property
    def audit_report(self) -> Path:
        return self.root / "data/audit"

    @property
    def audit(self) -> Path:
        return self.audit_report / "audit"

    @property
    def audit_page(self) -> Path:
        return self.audit_report / "index.html"

    # promote: what the retrain flow keeps from run to run, outside the graph
    @property
    def promoted(self) -> Path:
        return self.root / "data/promoted"

    @property
    def promoted_model(self) -> Path:
        return self.promoted / "model"

    @property
    def promotion(self) -> Path:
        """What the promoted model is, and by how much it beat the one before."""
        return self.promoted / "promotion.json"

    @property
    def promotion_history(self) -> Path:
        return self.promoted / "history.parquet"

    @property
    def promote_summary(self) -> Path:
        """The last decision, whatever it was."""
        return self.promoted / "summary.json"

    # experiment: cells that are done, for git
    def experiment(self, name: str) -> Path:
        """What an experiment is to find out."""
        return self.root / f"configs/experiments/{name}.yaml"

    def experiment_results(self, name: str) -> Path:
        """Of an experiment, a folder a cell."""
        return self.root / f"experiments/results/{name}"

    def experiment_metrics(self, name: str) -> Path:
        """The final table as numbers for `dvc metrics`."""
        return self.root / f"experiments/metrics/{name}.json"

    def experiment_plots(self, name: str) -> Path:
        """Folder of an experiment's curves for `dvc plots`."""
        return self.root / f"experiments/plots/{name}"

    def experiment_page(self, name: str) -> Path:
        return self.root / f"experiments/pages/{name}.html"

    # report
    @property
    def report(self) -> Path:
        return self.root / "data/report"

    @property
    def report_page(self) -> Path:
        return self.report / "index.html"

    @property
    def summary(self) -> Path:
        return self.report / "summary.parquet"

    @property
    def metrics(self) -> Path:
        return self.report / "metrics.json"

    @property
    def model_card(self) -> Path:
        """The trained model's card, with figures."""
        return self.report / "model_card.md"

    @property
    def plots(self) -> Path:
        """Folder of small JSON tables for `dvc plots`."""
        return self.report / "plots"
