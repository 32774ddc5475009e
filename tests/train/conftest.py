"""The models of the small project."""

from __future__ import annotations

import pytest
from small_project import settings

from vzero.models.loading import LoadedModel, load_model


@pytest.fixture
def models(project) -> tuple[LoadedModel, LoadedModel]:
    """A student that can be trained, and a teacher."""
    params = settings()
    student, teacher = (
        load_model(project.resolve(getattr(params.models, name)), params.models, trainable=name == "student")
        for name in ("student", "teacher")
    )
    return student, teacher
