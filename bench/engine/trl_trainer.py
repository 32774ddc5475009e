"""TRL's DistillationTrainer (trl 1.16) on the same models, image, question and answer length.

It trains vision-language models on-policy: it samples one answer for each row with the library's
`generate`, runs the student and a local teacher over prompt and answer, and takes the generalised
Jensen-Shannon divergence over the whole vocabulary at the answer's positions. The teacher sees what the
student sees; a view of its own is not possible. Answers are not grouped, so a prompt stands in the batch once
for each of them.

Its settings, chosen so that it is as fast as it can be here:
- `beta` 0.5, temperature 1, whole vocabulary; loss averaged over tokens: our `UNGATED` objective.
- all rows in one batch, one batch a step (4, 2 or 1 row with accumulation took as long, within 3 %); float32;
  no gradient checkpointing (its default is on).
- sampling by `generate` with its dynamic cache (vLLM and the Triton kernels need a GPU).
- the same tokens can never be sampled, so every answer is as long as ours.
- no logging, no checkpoints, no progress bars; AdamW with the fused kernel, its default.
- models straight from `from_pretrained`, without anything our loader adds.
The time is that between the trainer's own callbacks at the step's begin and end. It leaves out decoding the
PNG of each row, which ours includes for its one image.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

from datasets import Dataset
from PIL import Image
from transformers import (
    AutoModelForImageTextToText,
    PreTrainedModel,
    PrinterCallback,
    ProcessorMixin,
    Qwen3VLProcessor,
    TrainerCallback,
)
from trl.trainer.distillation_config import DistillationConfig
from trl.trainer.distillation_trainer import DistillationTrainer

from bench.engine.settings import Setting
from vzero.prompts.messages import messages_of
from vzero.prompts.views import FULL, View


def stepper(setting: Setting, scratch: Path) -> Callable[[], float]:
    """One optimizer step of the trainer; each call returns its seconds."""
    stopwatch, student = Stopwatch(), setting.student
    trainer = DistillationTrainer(
        model=_network(setting.folder / "student"),
        teacher_model=_network(setting.folder / "teacher"),
        args=_arguments(setting, scratch),
        train_dataset=dataset(setting),
        processing_class=StillImageProcessor(student.image_processor, student.tokenizer),
        callbacks=[stopwatch],
    )
    trainer.remove_callback(PrinterCallback)

    def step() -> float:
        trainer.train()
        return stopwatch.seconds

    return step


class Stopwatch(TrainerCallback):
    """Seconds of the last optimizer step: sampling, both forwards, backward, update."""

    def on_step_begin(self, args, state, control, **kwargs):
        self.started = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        self.seconds = time.perf_counter() - self.started


class StillImageProcessor(Qwen3VLProcessor):
    """The models' processor without its part for videos, which needs torchvision.

    A processor's parts are the arguments of its constructor.
    """

    def __init__(self, image_processor, tokenizer):
        for kind in ("image", "video"):
            setattr(self, f"{kind}_token", f"<|{kind}_pad|>")
            setattr(self, f"{kind}_token_id", tokenizer.convert_tokens_to_ids(f"<|{kind}_pad|>"))
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=tokenizer.chat_template)


def _network(folder: Path) -> PreTrainedModel:
    return AutoModelForImageTextToText.from_pretrained(folder, dtype="float32", local_files_only=True)


def _arguments(setting: Setting, scratch: Path) -> DistillationConfig:
    train = setting.train
    return DistillationConfig(
        output_dir=str(scratch),
        max_steps=1,
        per_device_train_batch_size=len(setting.samples) * setting.group,
        gradient_accumulation_steps=1,
        max_completion_length=train.max_new_tokens,
        generation_kwargs={"suppress_tokens": setting.student.banned_tokens},
        beta=0.5,
        temperature=1.0,
        learning_rate=train.learning_rate,
        lr_scheduler_type="constant",
        weight_decay=train.weight_decay,
        max_grad_norm=train.max_grad_norm,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        shuffle_dataset=False,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
    )


def dataset(setting: Setting) -> Dataset:
    rows = [
        {
            "prompt": [{"role": "user", "content": _text(sample.view(FULL))}],
            "images": [Image.open(io.BytesIO(image)) for image in prompt.images],
        }
        for sample, prompt in zip(setting.samples, setting.student_prompts, strict=True)
        for _ in range(setting.group)
    ]
    return Dataset.from_list(rows)


def _text(view: View) -> str:
    """The text of our message; the trainer puts the image before it, as we do."""
    (message,) = messages_of(view.words)
    return message["content"][-1]["text"]
