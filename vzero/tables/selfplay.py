"""What self-play writes: images without questions, questions written about them, votes, labels."""

from __future__ import annotations

import dataframely as dy

from vzero.tables.data import SPLITS
from vzero.tables.training import FINISH_REASONS

VOTERS = ["slow", "permuted", "fast", "blind", "region"]
LABEL = "label"


class Photographs(dy.Schema):
    """One row a distinct image, and nothing that was ever said about it. Written by `photographs`."""

    image_id = dy.String(primary_key=True)  # sha256 of `bytes`
    bytes = dy.Binary(nullable=False)  # encoded, as found
    width = dy.Int32(nullable=False, min=1)
    height = dy.Int32(nullable=False, min=1)
    format = dy.String(nullable=False)  # png, jpeg, webp, ...
    perceptual_hash = dy.UInt64(nullable=False)  # as of tables.Images
    source = dy.String(nullable=False)  # the place's name in params.selfplay.photographs
    split = dy.Enum(SPLITS, nullable=False)


class Questions(dy.Schema):
    """One row a text that the Questioner of an iteration wrote, whether or not it is a question."""

    question_id = dy.String(primary_key=True)
    image_id = dy.String(nullable=False)
    # What the Questioner was shown, in pixels of the image; null: the whole image.
    window = dy.List(dy.Int32(nullable=False), nullable=True, min_length=4, max_length=4)
    description = dy.String(nullable=True)  # null here and below: it could not be read
    question = dy.String(nullable=True)  # without the options
    options = dy.List(dy.String(nullable=False), nullable=True)  # A, B, C, D
    fast = dy.String(nullable=True)  # the letter that the Questioner itself gives
    status = dy.String(nullable=False)  # ok, or a fault of vzero.answers.questions
    text = dy.String(nullable=False)  # as written
    finish_reason = dy.Enum(FINISH_REASONS, nullable=False)
    prompt_hash = dy.String(nullable=False)  # of what the Questioner was told
    model_hash = dy.String(nullable=False)  # content of its folder but for the card


class Votes(dy.Schema):
    """One row a question that could be read and a voter. Written by `votes`."""

    question_id = dy.String(primary_key=True)
    # slow: with reasoning. permuted: the same with the options in changing places. fast: greedy, at once.
    # blind: without the image. region: of the window that the question was written about.
    voter = dy.Enum(VOTERS, primary_key=True)
    # By the order that the reply's options were shown in; null: none of them could be read.
    letters = dy.List(dy.String(nullable=True), nullable=False, min_length=1)
    replies = dy.List(dy.String(nullable=False), nullable=False, min_length=1)
    # By option text, the most first.
    counts = dy.List(
        dy.Struct({"text": dy.String(nullable=False), "count": dy.Int32(nullable=False)}, nullable=False),
        nullable=False,
    )
    unread = dy.Int32(nullable=False, min=0)
    majority = dy.String(nullable=True)  # an option's text; null: no vote could be read
    confidence = dy.Float64(nullable=False)  # share of all votes
    tie = dy.Bool(nullable=False)
    prompt_hash = dy.String(nullable=False)  # of the first prompt
    model_hash = dy.String(nullable=False)  # of the Solver


class SolverSet(dy.Schema):
    """One row a question that could be read: what the Solver learns of it, or why not. Of `solver`."""

    question_id = dy.String(primary_key=True)
    image_id = dy.String(nullable=False)
    question = dy.String(nullable=False)
    options = dy.List(dy.String(nullable=False), nullable=False)  # as the Solver is shown them
    label = dy.String(nullable=True)  # a letter of those; null: the votes give none
    confidence = dy.Float64(nullable=False)  # share of the label's votes
    weight = dy.Float32(nullable=False)
    kept = dy.Bool(nullable=False)
    reason = dy.String(nullable=False)  # kept, repeated, or one of vzero.voting.fate.REASONS


class Audit(dy.Schema):
    """How often votes and labels are right, by their share. Written by `vzero audit`; no stage reads it."""

    iteration = dy.String(primary_key=True)
    voter = dy.Enum([*VOTERS, LABEL], primary_key=True)  # label: of questions that the Solver learns from
    confidence = dy.Float64(primary_key=True)  # share of the votes
    n = dy.Int32(nullable=False, min=1)  # questions whose truth is known
    right = dy.Int32(nullable=False, min=0)
    share = dy.Float64(nullable=False)  # of n
    low = dy.Float64(nullable=False)  # Wilson's interval, 95 %
    high = dy.Float64(nullable=False)


class Stems(dy.Schema):
    """What has been asked so far, this iteration and all before it. Written by `solver`."""

    question_id = dy.String(primary_key=True)
    question = dy.String(nullable=False)
