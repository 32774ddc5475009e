"""One step of gated on-policy distillation, from top to bottom, on the models that are shipped.

`python examples/one_step.py` prints what the student answered, how much the evidence supports each answer,
and what one update changed. It takes seconds on a laptop; nothing is downloaded, no answer label is read.
"""

from __future__ import annotations

import torch

from vzero.config import Models, Train
from vzero.methods import method_of
from vzero.methods.base import Answers, Sample
from vzero.models.encoding import pad_rows
from vzero.models.loading import load_model
from vzero.models.prompt import prompts_of
from vzero.needle.calibrate import Exam, exams
from vzero.prompts.views import FULL, NEGATIVE, POSITIVE, Picture, full_view, with_crop
from vzero.rollout.replay import replay
from vzero.rollout.responses import response_logprobs
from vzero.rollout.sampler import Decoder
from vzero.rollout.sampling import Sampling
from vzero.signals.aggregation import denominator
from vzero.train.loss import Loss, Scored, rollout_loss

PROMPTS, GROUP = 4, 4


def drawn_sample(number: int, exam: Exam) -> Sample:
    """A question of the embedded world: what the student sees, and beside it the right and a wrong crop."""
    full = full_view(exam.question.text, exam.question.options, [Picture.of(exam.image)])
    assert exam.negative is not None  # these have a place for a wrong crop
    right, wrong = Picture.of(exam.positive, "crop"), Picture.of(exam.negative, "negative crop")
    views = {
        FULL: (full,),
        POSITIVE: (with_crop(full, right, POSITIVE),),
        NEGATIVE: (with_crop(full, wrong, NEGATIVE),),
    }
    return Sample(f"drawn-{number}", views, tuple(exam.question.options))


def main() -> None:
    torch.manual_seed(0)
    models, train = Models(), Train(recipe="needle", group=GROUP, prompts=PROMPTS)
    student = load_model(models.student, models, device="cpu", trainable=True)
    teacher = load_model(models.teacher, models, device="cpu")
    optimizer = torch.optim.AdamW(student.network.parameters(), lr=train.learning_rate)
    method = method_of(train.method)
    loss = Loss(method.settings.terms(), method.target, temperature=1.0)

    # 1. The student answers every question a few times, from the full image alone.
    tasks = method.tasks([drawn_sample(number, exam) for number, exam in enumerate(exams("needle", PROMPTS))])
    asked = prompts_of(student, [task.asked for task in tasks])
    sampling = Sampling(temperature=1.0, max_new_tokens=16)
    groups = Decoder(student).answers(asked, GROUP, sampling, seeds=[0] * len(asked))
    answers = [answer for group in groups for answer in group]
    token_ids, mask = pad_rows([a.token_ids for a in answers], pad=student.pad_token, device=student.device)

    # 2. The frozen teacher scores each answer twice: beside the right crop, and beside a wrong one.
    hidden, logprobs = {}, {}
    with torch.no_grad():
        for role in (POSITIVE, NEGATIVE):
            prompts = prompts_of(teacher, [task.scored[role][0] for task in tasks])
            hidden[role] = replay(teacher, prompts, token_ids, mask)
            logprobs[role] = response_logprobs(teacher, hidden[role], token_ids, mask)

    # 3. The gate: what the right crop supports more than the siblings do weighs more.
    credit = method.credit(Answers(tasks, answers, mask, logprobs))
    for row, answer in enumerate(answers):
        if row % GROUP == 0:
            print(tasks[row // GROUP].asked.words.text.partition("\n")[0].removeprefix("<image 1>"))
        score, weight = credit.columns["evidence_score"][row], credit.weights[row]
        print(f"  {answer.text:40} score {score:+.2f}  weight {weight:.2f}")

    # 4. The student moves towards what the teacher says beside the right crop, as answers weigh.
    scored = Scored(token_ids, mask, credit.weights, credit.counted, logprobs=logprobs, hidden=hidden)
    totals = {term.aggregation: denominator(term.aggregation, mask) for term in loss.terms}

    def gated_loss() -> torch.Tensor:
        states = replay(student, asked, token_ids, mask)
        return rollout_loss(student, teacher, states, scored, loss, totals)

    before = gated_loss()
    before.backward()
    torch.nn.utils.clip_grad_norm_(student.network.parameters(), train.max_grad_norm)
    optimizer.step()
    with torch.no_grad():
        print(f"loss {before.item():.4f}, after the update {gated_loss().item():.4f}")


if __name__ == "__main__":
    main()
