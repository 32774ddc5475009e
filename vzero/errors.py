"""Errors that a user can mend. The command line says them in one line, without a traceback.

Whoever calls the library catches `UserError`, or the kind that they have an answer to. Errors of the code
itself are the built-in ones.
"""

from __future__ import annotations


class UserError(Exception):
    """Something outside the code stands in the way, and the message says what to do about it."""


class ConfigError(UserError, ValueError):
    """A parameter, or an option of a command, is unknown, impossible, or does not go with the others.

    A ValueError too, so that a check may raise it inside a pydantic model.
    """


class SourceError(UserError):
    """Files that others wrote cannot be used as a whole: annotations, benchmarks, stored predictions.

    One is missing, damaged or of an unknown format, a column lacks, or no row of it is any good. A row that
    alone is bad is no error: it is left out and counted.
    """


class ModelError(UserError):
    """A model folder cannot be used: incomplete, of an unknown family, or not fit for the other model."""


class ProjectError(UserError):
    """What an earlier stage should have left in the project is missing or does not fit the rest.

    The message names the stage to run, or to run again.
    """


class SamplerError(UserError):
    """Servers that are to answer do not, or not as they should: lost, refusing, or with other weights."""


class ChangedError(UserError):
    """Files were replaced while they were read, so what came of them is thrown away.

    The same command, run again, starts from what is there now.
    """
