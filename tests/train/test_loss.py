"""The gated loss from hidden states, against float64 computations that expand everything."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
import torch

from vzero.config.loss import Divergence, Likelihood, PolicyGradient, Reference, Term
from vzero.methods.base import Target
from vzero.models.loading import LoadedModel
from vzero.prompts.views import NEGATIVE, POSITIVE
from vzero.rollout import responses
from vzero.rollout.responses import response_logprobs
from vzero.signals.aggregation import Aggregation, aggregate, denominator
from vzero.signals.policy import k3
from vzero.train import loss as module
from vzero.train.loss import Loss, Scored, rollout_loss

ROWS, TOKENS, WIDTH, VOCABULARY = 4, 5, 6, 9
LENGTHS = [5, 1, 3, 4]
MASK = torch.tensor([[1] * length + [0] * (TOKENS - length) for length in LENGTHS])

DIVERGENCES = {
    "k1 clipped": Divergence(kind="k1", clamp=1.0),
    "k1 plain": Divergence(kind="k1", surrogate="plain"),
    "k2": Divergence(kind="k2", clamp=1.5),
    "k3": Divergence(kind="k3"),
    "forward KL": Divergence(kind="forward_kl"),
    "forward KL, bare top-k": Divergence(kind="forward_kl", top_k=3, tail=False),
    "reverse KL, top-k and tail": Divergence(kind="reverse_kl", top_k=3),
    "JSD": Divergence(kind="jsd", jsd_beta=0.3),
}
UNTILTED, TILTED = Target(POSITIVE), Target(POSITIVE, NEGATIVE, tilt=1.5, clip=2.0)


def loss(term: Term, target: Target | None = UNTILTED, temperature: float = 1.0) -> Loss:
    return Loss((term,), target, temperature)


LOSSES = {name: loss(term) for name, term in DIVERGENCES.items()}
ALL = LOSSES | {f"{name}, tilted": loss(term, TILTED) for name, term in DIVERGENCES.items()}


def model(seed: int) -> LoadedModel:
    """A vocabulary read-out; its table is padded beyond the tokenizer, as those of real models are."""
    head = torch.nn.Linear(WIDTH, VOCABULARY + 3, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.randn(head.weight.shape, generator=torch.Generator().manual_seed(seed)))
    network: Any = SimpleNamespace(lm_head=head.requires_grad_(False))
    return LoadedModel(network, range(VOCABULARY), None, thinking=False, autocast=None)


STUDENT, TEACHER = model(1), model(2)


@pytest.fixture
def hidden() -> torch.Tensor:
    return torch.randn(ROWS, TOKENS, WIDTH, generator=torch.Generator().manual_seed(3)).requires_grad_(True)


@pytest.fixture
def scored() -> Scored:
    generator = torch.Generator().manual_seed(4)
    positive, negative = torch.randn(2, ROWS, TOKENS, WIDTH, generator=generator)
    token_ids = torch.randint(VOCABULARY, (ROWS, TOKENS), generator=generator)
    weights = torch.tensor([0.0, 2.0, 0.7, 1.3])
    logprobs = response_logprobs(TEACHER, positive, token_ids, MASK)
    return Scored(
        token_ids,
        MASK,
        weights,
        counted=torch.ones(ROWS, dtype=torch.bool),
        advantages=torch.tensor([1.0, -1.0, 0.5, 0.0]),
        logprobs={POSITIVE: logprobs},
        hidden={POSITIVE: positive, NEGATIVE: negative},
    )


def at_temperature(scored: Scored, temperature: float) -> Scored:
    """The same answers, replayed by the teacher at that temperature."""
    logprobs = response_logprobs(TEACHER, scored.hidden[POSITIVE], scored.token_ids, MASK, temperature)
    return replace(scored, logprobs={POSITIVE: logprobs})


def totals_of(loss: Loss, scored: Scored) -> dict[str, torch.Tensor]:
    names = [term.aggregation for term in loss.terms]
    return {name: denominator(name, scored.valid, length=TOKENS) for name in names}


def loss_of(hidden: torch.Tensor, scored: Scored, loss: Loss) -> torch.Tensor:
    return rollout_loss(STUDENT, TEACHER, hidden, scored, loss, totals_of(loss, scored))


def gradient_of(hidden: torch.Tensor, scored: Scored, objective: Loss) -> torch.Tensor:
    return torch.autograd.grad(loss_of(hidden, scored, objective), hidden)[0]


def distribution(loaded: LoadedModel, hidden: torch.Tensor, temperature: float = 1.0) -> np.ndarray:
    """Probabilities (vocabulary,) of one token, in float64."""
    head: Any = loaded.network.lm_head
    logits = head.weight.detach().double().numpy()[:VOCABULARY] @ hidden.detach().double().numpy()
    raised = np.exp(logits / temperature)
    return raised / raised.sum()


def by_hand(q: np.ndarray, p: np.ndarray, token: int, objective: Divergence) -> float:
    """One token's loss before its weight, from the student's q and the target's p. k1's is the cost."""
    s, t = math.log(q[token]), math.log(p[token])
    if objective.kind == "k1":
        return max(-objective.bound, min(objective.bound, s - t))
    if objective.kind == "k2":
        return min(objective.bound, (s - t) ** 2 / 2)
    if objective.kind == "k3":
        return min(10.0, math.exp(t - s) - (t - s) - 1)
    if objective.top_k:
        keep = np.argsort(-p)[: objective.top_k]
        rest = [] if not objective.tail else [1.0]
        p, q = (np.append(d[keep], [r - d[keep].sum() for r in rest]) for d in (p, q))
    if objective.kind == "forward_kl":
        return float((p * np.log(p / q)).sum())
    if objective.kind == "reverse_kl":
        return float((q * np.log(q / p)).sum())
    b = objective.jsd_beta
    m = b * p + (1 - b) * q
    return float(b * (p * np.log(p / m)).sum() + (1 - b) * (q * np.log(q / m)).sum())


def tilted_by_hand(p: np.ndarray, n: np.ndarray, target: Target) -> np.ndarray:
    contrast = np.clip(np.log(p / n), -target.clip, target.clip)
    raised = p * np.exp(target.tilt * contrast)
    return raised / raised.sum()


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("name", ALL)
def test_the_loss_is_the_weighted_mean_of_answers_means(name, temperature, hidden, scored):
    objective = replace(ALL[name], temperature=temperature)
    [term] = objective.terms
    scored = at_temperature(scored, temperature)
    total = 0.0
    for row, length in enumerate(LENGTHS):
        for column in range(length):
            q = distribution(STUDENT, hidden[row, column], temperature)
            p = distribution(TEACHER, scored.hidden[POSITIVE][row, column], temperature)
            if objective.target.tilt:
                n = distribution(TEACHER, scored.hidden[NEGATIVE][row, column], temperature)
                p = tilted_by_hand(p, n, objective.target)
            token = int(scored.token_ids[row, column])
            value = float(scored.weights[row]) * by_hand(q, p, token, term)
            # REINFORCE's loss is cost times log-prob; at ratio 1 the clipped surrogate's is the cost.
            factor = math.log(q[token]) if term.surrogate == "plain" else 1.0
            total += value * factor / length / ROWS
    assert loss_of(hidden, scored, objective).item() == pytest.approx(total, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("aggregation", get_args(Aggregation))
def test_neither_chunks_nor_micro_batches_change_the_gradient(name, aggregation, hidden, scored, monkeypatch):
    [term] = ALL[name].terms
    objective = replace(ALL[name], terms=(term.model_copy(update={"aggregation": aggregation}),))
    whole = gradient_of(hidden, scored, objective)
    monkeypatch.setattr(responses, "CHUNK_LOGITS", 3 * VOCABULARY)
    totals = totals_of(objective, scored)
    parts = []
    for rows in (torch.tensor([2]), torch.tensor([3, 0, 1])):
        part = scored.select(rows)
        seen = hidden[rows, : part.mask.shape[1]]
        parts.append(rollout_loss(STUDENT, TEACHER, seen, part, objective, totals))
    (split,) = torch.autograd.grad(parts[0] + parts[1], hidden)
    assert torch.allclose(whole, split, atol=1e-6)
    assert whole.abs().max() > 1e-3


@pytest.mark.parametrize("name", ALL)
def test_no_more_than_a_chunk_of_tokens_meets_the_vocabulary_at_once(name, hidden, scored, monkeypatch):
    widest: list[int] = []

    def watched(*arguments) -> torch.Tensor:
        logits = original(*arguments)
        widest.append(logits.numel() // VOCABULARY)
        return logits

    original = responses.vocabulary_logits
    for place in (responses, module):
        monkeypatch.setattr(place, "vocabulary_logits", watched)
    monkeypatch.setattr(responses, "CHUNK_LOGITS", 3 * VOCABULARY)
    gradient_of(hidden, scored, ALL[name])
    assert max(widest) == 3


@pytest.mark.parametrize("name", ALL)
def test_padding_and_answers_of_weight_zero_get_no_gradient(name, hidden, scored):
    gradient = gradient_of(hidden, scored, ALL[name])
    assert gradient[~MASK.bool()].abs().max() == 0.0
    assert gradient[0].abs().max() == 0.0
    assert gradient[1:].abs().max() > 0.0


@pytest.mark.parametrize("name", ALL)
def test_weights_scale_an_answers_gradient(name, hidden, scored):
    """The clamp comes before the weight, so doubling the weight doubles everything."""
    halved = replace(scored, weights=scored.weights / 2)
    ours, theirs = gradient_of(hidden, scored, ALL[name]), gradient_of(hidden, halved, ALL[name])
    assert torch.allclose(ours, 2 * theirs, atol=1e-7)


def test_all_weights_one_is_the_ungated_loss_bit_for_bit(hidden, scored):
    neutral = replace(scored, weights=torch.ones(ROWS))
    objective = LOSSES["k2"]
    current = response_logprobs(STUDENT, hidden, scored.token_ids, MASK)
    values = (0.5 * (current - scored.logprobs[POSITIVE]).square()).clamp(max=1.5)
    plain = aggregate("sequence_mean", values, MASK, torch.tensor(ROWS))
    assert loss_of(hidden, neutral, objective).item() == plain.item()


def test_inside_the_clamp_k2_and_both_surrogates_of_k1_have_one_gradient(hidden, scored):
    free = {"clamp": 100.0}
    free |= {"aggregation": "token_mean"}
    direct = gradient_of(hidden, scored, loss(Divergence(kind="k2", **free)))
    for surrogate in ("clipped", "plain"):
        objective = loss(Divergence(kind="k1", surrogate=surrogate, **free))
        assert torch.allclose(gradient_of(hidden, scored, objective), direct, atol=1e-6)


def test_only_the_clipped_surrogate_looks_at_the_policy_that_sampled(hidden, scored):
    current = response_logprobs(STUDENT, hidden, scored.token_ids, MASK).detach()
    moved = replace(scored, old_logprobs=current - 1.0)
    clipped, plain = LOSSES["k1 clipped"], LOSSES["k1 plain"]
    assert torch.equal(gradient_of(hidden, moved, plain), gradient_of(hidden, scored, plain))
    assert not torch.allclose(gradient_of(hidden, moved, clipped), gradient_of(hidden, scored, clipped))


def test_a_reward_raises_or_lowers_an_answers_log_probs_by_its_advantage(hidden, scored):
    """At the policy that sampled, the gradient is that of -advantage * mean log-prob, over the answers."""
    current = response_logprobs(STUDENT, hidden, scored.token_ids, MASK)
    means = current.sum(dim=1) / MASK.sum(dim=1)
    (expected,) = torch.autograd.grad(-(scored.advantages * means).mean(), hidden)
    ours = gradient_of(hidden, replace(scored, weights=torch.ones(ROWS)), loss(PolicyGradient(), None))
    assert torch.allclose(ours, expected, atol=1e-6)
    assert ours[3].abs().max() == 0.0


def test_imitation_is_cross_entropy(hidden, scored):
    logits = STUDENT.network.lm_head(hidden)[..., :VOCABULARY]
    expected = torch.nn.functional.cross_entropy(logits[MASK.bool()], scored.token_ids[MASK.bool()])
    ours = loss_of(hidden, replace(scored, weights=torch.ones(ROWS)), loss(Likelihood(), None))
    assert ours.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_a_tilt_between_equal_views_is_no_tilt(name, hidden, scored):
    same = replace(scored, hidden=dict.fromkeys((POSITIVE, NEGATIVE), scored.hidden[POSITIVE]))
    tilted = loss_of(hidden, same, ALL[f"{name}, tilted"])
    assert tilted.item() == pytest.approx(loss_of(hidden, same, LOSSES[name]).item(), abs=1e-6)


@pytest.mark.parametrize("name", [name for name in ALL if name not in LOSSES])
def test_a_tilt_without_a_negative_view_is_refused(name, hidden, scored):
    with pytest.raises(ValueError, match="scored for another loss"):
        loss_of(hidden, replace(scored, hidden={POSITIVE: scored.hidden[POSITIVE]}), ALL[name])


def test_an_answer_of_one_token_has_its_true_logprob(hidden, scored):
    q = distribution(STUDENT, hidden[1, 0])
    ours = response_logprobs(STUDENT, hidden, scored.token_ids, MASK)
    assert ours[1, 0].item() == pytest.approx(math.log(q[int(scored.token_ids[1, 0])]), abs=1e-5)
    assert ours[1, 1:].abs().max() == 0.0


def test_a_token_of_logits_2_and_0_has_probability_sigmoid_of_2_over_the_temperature():
    head = torch.nn.Linear(2, 2, bias=False)
    head.weight = torch.nn.Parameter(torch.eye(2))
    network: Any = SimpleNamespace(lm_head=head)
    pair = LoadedModel(network, range(2), None, thinking=False, autocast=None)
    hidden, first, real = torch.tensor([[[2.0, 0.0]]]), torch.tensor([[0]]), torch.tensor([[1]])
    for temperature in (0.5, 1.0, 2.0):
        expected = -math.log(1 + math.exp(-2 / temperature))
        [[ours]] = response_logprobs(pair, hidden, first, real, temperature).tolist()
        assert ours == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("term", [Divergence(kind="k1"), PolicyGradient()])
def test_a_ratio_compares_policies_at_one_temperature(term, hidden, scored):
    """Old log-probs taken at the loss's temperature make the ratio 1, the loss minus the advantage."""
    at_half = loss(term, temperature=0.5)
    scored = at_temperature(scored, 0.5)
    old = response_logprobs(STUDENT, hidden, scored.token_ids, MASK, 0.5).detach()
    first = replace(scored, old_logprobs=old)
    assert loss_of(hidden, first, at_half).item() == loss_of(hidden, scored, at_half).item()
    assert torch.equal(gradient_of(hidden, first, at_half), gradient_of(hidden, scored, at_half))
    stale = replace(scored, old_logprobs=response_logprobs(STUDENT, hidden, scored.token_ids, MASK).detach())
    assert loss_of(hidden, stale, at_half).item() != loss_of(hidden, scored, at_half).item()


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize(
    ("beta", "kind"), [(0.0, "forward_kl"), (0.3, "jsd"), (0.5, "jsd"), (1.0, "reverse_kl")]
)
def test_values_and_gradients_are_those_of_trls_distillation_trainer(beta, kind, temperature, hidden, scored):
    from trl.trainer.distillation_trainer import _chunked_divergence_loss

    heads: list[Any] = [STUDENT.network.lm_head, TEACHER.network.lm_head]
    student_head, teacher_head = (head.weight[:VOCABULARY] for head in heads)
    theirs, _, _ = _chunked_divergence_loss(
        hidden, scored.hidden[POSITIVE], student_head, teacher_head, MASK, beta, temperature=temperature
    )
    neutral = replace(scored, weights=torch.ones(ROWS))
    settings = {"jsd_beta": beta} if kind == "jsd" else {}
    objective = loss(Divergence(kind=kind, aggregation="token_mean", **settings), temperature=temperature)
    assert loss_of(hidden, neutral, objective).item() == pytest.approx(theirs.item(), abs=1e-6)
    (gradient,) = torch.autograd.grad(theirs, hidden)
    assert torch.allclose(gradient_of(hidden, neutral, objective), gradient, atol=1e-6)


def test_a_loss_is_the_sum_of_its_terms_each_by_its_coefficient_and_aggregation(hidden, scored):
    """Policy gradient + 0.01 k3 to the start."""
    generator = torch.Generator().manual_seed(5)
    start = torch.where(MASK.bool(), -torch.rand(ROWS, TOKENS, generator=generator) * 3, 0.0)
    scored = replace(scored, reference_logprobs=start)
    gradient, near = PolicyGradient(aggregation="token_mean"), Reference(coefficient=0.01)
    both = loss_of(hidden, scored, Loss((gradient, near), None, 1.0))
    current = response_logprobs(STUDENT, hidden, scored.token_ids, MASK)
    tokens = scored.weights[:, None] * -scored.advantages[:, None] * MASK  # at ratio 1
    distance = (k3(current, start, clamp=math.inf) * MASK).sum(dim=1) / MASK.sum(dim=1)
    expected = tokens.sum() / MASK.sum() + 0.01 * distance.mean()
    assert both.item() == pytest.approx(expected.item(), rel=1e-5)
    assert not torch.allclose(distance, torch.zeros(ROWS))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("aggregation", get_args(Aggregation))
def test_what_is_not_counted_is_as_if_it_were_not_there(name, aggregation, hidden, scored):
    [term] = ALL[name].terms
    objective = replace(ALL[name], terms=(term.model_copy(update={"aggregation": aggregation}),))
    kept = torch.tensor([1, 3])
    without = replace(scored, counted=torch.tensor([False, True, False, True]))
    rest = scored.select(kept)
    alone = hidden.detach()[kept, : rest.mask.shape[1]].requires_grad_(True)
    expected = loss_of(alone, rest, objective).item()
    assert loss_of(hidden, without, objective).item() == pytest.approx(expected, rel=1e-6)
    gradient = gradient_of(hidden, without, objective)
    assert gradient[[0, 2]].abs().max() == 0.0
    assert torch.allclose(gradient[kept, : alone.shape[1]], gradient_of(alone, rest, objective), atol=1e-7)
