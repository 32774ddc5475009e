"""Over-long prompts are left out before training, checked against the prompts that will really be built."""

from __future__ import annotations

import polars as pl
from small_project import settings

from vzero.models.encoding import encode
from vzero.models.loading import load_model
from vzero.models.prompts import student_prompt, teacher_prompt
from vzero.train.batches import load_samples, training_index
from vzero.train.lengths import within_limits


def test_limits_agree_with_the_encoded_prompts(project):
    params = settings()
    model = load_model(project.resolve(params.models.student), params.models)
    index = training_index(project).head(12)
    loaded = load_samples(project, index)
    student = [
        int(encode(model, [student_prompt(model, s.image, s.question, s.options)]).lengths[0]) for s in loaded
    ]
    teacher = [
        int(encode(model, [teacher_prompt(model, s.image, s.positive, s.question, s.options)]).lengths[0])
        for s in loaded
    ]
    for limit in (min(student), sorted(student)[6], max(student)):
        kept, left_out = within_limits(index, model, model, settings(max_prompt_tokens=limit).train)
        fits = [length <= limit for length in student]
        assert kept["sample_id"].to_list() == index.filter(pl.Series(fits))["sample_id"].to_list()
        assert left_out == {"student_prompt_too_long": fits.count(False), "teacher_prompt_too_long": 0}
    limit = sorted(teacher)[6]
    train = settings(max_teacher_tokens=limit + 5).train
    assert train.max_new_tokens == 5
    kept, left_out = within_limits(index, model, model, train)
    assert left_out["teacher_prompt_too_long"] == sum(length > limit for length in teacher)
    assert kept.height == sum(length <= limit for length in teacher)
