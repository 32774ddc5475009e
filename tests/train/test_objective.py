"""The gated loss from hidden states, against float64 computations that expand everything."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
import torch

from vzero.models.loading import LoadedModel
from vzero.signals.aggregation import Aggregation, aggregate, denominator
from vzero.train import objective as module
from vzero.train.objective import Scored, response_logprobs, rollout_loss
from vzero.train.recipes import Objective

ROWS, TOKENS, WIDTH, VOCABULARY = 4, 5, 6, 9
LENGTHS = [5, 1, 3, 4]
MASK = torch.tensor([[1] * length + [0] * (TOKENS - length) for length in LENGTHS])

OBJECTIVES = {
    "k1 clipped": Objective("k1", "sequence_mean", clamp=1.0),
    "k1 plain": Objective("k1", "sequence_mean", surrogate="plain"),
    "k2": Objective("k2", "sequence_mean", clamp=1.5),
    "k3": Objective("k3", "sequence_mean"),
    "forward KL": Objective("forward_kl", "sequence_mean"),
    "forward KL, bare top-k": Objective("forward_kl", "sequence_mean", top_k=3, tail=False),
    "reverse KL, top-k and tail": Objective("reverse_kl", "sequence_mean", top_k=3),
    "JSD": Objective("jsd", "sequence_mean", jsd_beta=0.3),
}
TILTED = {f"{name}, tilted": replace(o, tilt=1.5, tilt_clip=2.0) for name, o in OBJECTIVES.items()}
ALL = OBJECTIVES | TILTED


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
        teacher_logprobs=logprobs,
        teacher_hidden=positive,
        negative_hidden=negative,
        advantages=torch.tensor([1.0, -1.0, 0.5, 0.0]),
    )


def at_temperature(scored: Scored, temperature: float) -> Scored:
    """The same answers, replayed by the teacher at that temperature."""
    logprobs = response_logprobs(TEACHER, scored.teacher_hidden, scored.token_ids, MASK, temperature)
    return replace(scored, teacher_logprobs=logprobs)


def loss_of(hidden: torch.Tensor, scored: Scored, objective: Objective) -> torch.Tensor:
    total = denominator(objective.aggregation, scored.mask, length=TOKENS)
    return rollout_loss(STUDENT, TEACHER, hidden, scored, objective, total)


def gradient_of(hidden: torch.Tensor, scored: Scored, objective: Objective) -> torch.Tensor:
    return torch.autograd.grad(loss_of(hidden, scored, objective), hidden)[0]


def distribution(loaded: LoadedModel, hidden: torch.Tensor, temperature: float = 1.0) -> np.ndarray:
    """Probabilities (vocabulary,) of one token, in float64."""
    head: Any = loaded.network.lm_head
    logits = head.weight.detach().double().numpy()[:VOCABULARY] @ hidden.detach().double().numpy()
    raised = np.exp(logits / temperature)
    return raised / raised.sum()


def by_hand(q: np.ndarray, p: np.ndarray, token: int, objective: Objective) -> float:
    """One token's loss before its weight, from the student's q and the target's p. k1's is the cost."""
    s, t = math.log(q[token]), math.log(p[token])
    if objective.divergence == "k1":
        return max(-objective.clamp, min(objective.clamp, s - t))
    if objective.divergence == "k2":
        return min(objective.clamp, (s - t) ** 2 / 2)
    if objective.divergence == "k3":
        return min(10.0, math.exp(t - s) - (t - s) - 1)
    if objective.top_k:
        keep = np.argsort(-p)[: objective.top_k]
        rest = [] if not objective.tail else [1.0]
        p, q = (np.append(d[keep], [r - d[keep].sum() for r in rest]) for d in (p, q))
    if objective.divergence == "forward_kl":
        return float((p * np.log(p / q)).sum())
    if objective.divergence == "reverse_kl":
        return float((q * np.log(q / p)).sum())
    b = objective.jsd_beta
    m = b * p + (1 - b) * q
    return float(b * (p * np.log(p / m)).sum() + (1 - b) * (q * np.log(q / m)).sum())


def tilted_by_hand(p: np.ndarray, n: np.ndarray, objective: Objective) -> np.ndarray:
    contrast = np.clip(np.log(p / n), -objective.tilt_clip, objective.tilt_clip)
    raised = p * np.exp(objective.tilt * contrast)
    return raised / raised.sum()


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("name", ALL)
def test_the_loss_is_the_weighted_mean_of_answers_means(name, temperature, hidden, scored):
    objective = replace(ALL[name], logprob_temperature=temperature)
    scored = at_temperature(scored, temperature)
    total = 0.0
    for row, length in enumerate(LENGTHS):
        for column in range(length):
            q = distribution(STUDENT, hidden[row, column], temperature)
            p = distribution(TEACHER, scored.teacher_hidden[row, column], temperature)
            if objective.tilt:
                n = distribution(TEACHER, scored.negative_hidden[row, column], temperature)
                p = tilted_by_hand(p, n, objective)
            token = int(scored.token_ids[row, column])
            value = float(scored.weights[row]) * by_hand(q, p, token, objective)
            # REINFORCE's loss is cost times log-prob; at ratio 1 the clipped surrogate's is the cost.
            factor = math.log(q[token]) if objective.surrogate == "plain" else 1.0
            total += value * factor / length / ROWS
    assert loss_of(hidden, scored, objective).item() == pytest.approx(total, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("aggregation", get_args(Aggregation))
def test_neither_chunks_nor_micro_batches_change_the_gradient(name, aggregation, hidden, scored, monkeypatch):
    objective = replace(ALL[name], aggregation=aggregation)
    whole = gradient_of(hidden, scored, objective)
    monkeypatch.setattr(module, "CHUNK_LOGITS", 3 * VOCABULARY)
    total = denominator(aggregation, MASK, length=TOKENS)
    parts = []
    for rows in (torch.tensor([2]), torch.tensor([3, 0, 1])):
        part = scored.select(rows)
        seen = hidden[rows, : part.mask.shape[1]]
        parts.append(rollout_loss(STUDENT, TEACHER, seen, part, objective, total))
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

    original = module.vocabulary_logits
    monkeypatch.setattr(module, "vocabulary_logits", watched)
    monkeypatch.setattr(module, "CHUNK_LOGITS", 3 * VOCABULARY)
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
    objective = OBJECTIVES["k2"]
    current = response_logprobs(STUDENT, hidden, scored.token_ids, MASK)
    values = (0.5 * (current - scored.teacher_logprobs).square()).clamp(max=1.5)
    plain = aggregate("sequence_mean", values, MASK, torch.tensor(ROWS))
    assert loss_of(hidden, neutral, objective).item() == plain.item()


def test_inside_the_clamp_k2_and_both_surrogates_of_k1_have_one_gradient(hidden, scored):
    free = {"clamp": 100.0}
    direct = gradient_of(hidden, scored, Objective("k2", "token_mean", **free))
    for surrogate in ("clipped", "plain"):
        objective = Objective("k1", "token_mean", surrogate=surrogate, **free)
        assert torch.allclose(gradient_of(hidden, scored, objective), direct, atol=1e-6)


def test_only_the_clipped_surrogate_looks_at_the_policy_that_sampled(hidden, scored):
    current = response_logprobs(STUDENT, hidden, scored.token_ids, MASK).detach()
    moved = replace(scored, old_logprobs=current - 1.0)
    clipped, plain = OBJECTIVES["k1 clipped"], OBJECTIVES["k1 plain"]
    assert torch.equal(gradient_of(hidden, moved, plain), gradient_of(hidden, scored, plain))
    assert not torch.allclose(gradient_of(hidden, moved, clipped), gradient_of(hidden, scored, clipped))


def test_a_reward_raises_or_lowers_an_answers_log_probs_by_its_advantage(hidden, scored):
    """At the policy that sampled, the gradient is that of -advantage * mean log-prob, over the answers."""
    current = response_logprobs(STUDENT, hidden, scored.token_ids, MASK)
    means = current.sum(dim=1) / MASK.sum(dim=1)
    (expected,) = torch.autograd.grad(-(scored.advantages * means).mean(), hidden)
    ours = gradient_of(hidden, scored, Objective("reward", "sequence_mean"))
    assert torch.allclose(ours, expected, atol=1e-6)
    assert ours[3].abs().max() == 0.0


def test_imitation_is_cross_entropy(hidden, scored):
    logits = STUDENT.network.lm_head(hidden)[..., :VOCABULARY]
    expected = torch.nn.functional.cross_entropy(logits[MASK.bool()], scored.token_ids[MASK.bool()])
    ours = loss_of(hidden, scored, Objective("likelihood", "token_mean"))
    assert ours.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_tilt_between_equal_views_is_no_tilt(name, hidden, scored):
    same = replace(scored, negative_hidden=scored.teacher_hidden)
    tilted = loss_of(hidden, same, TILTED[f"{name}, tilted"])
    assert tilted.item() == pytest.approx(loss_of(hidden, same, OBJECTIVES[name]).item(), abs=1e-6)


@pytest.mark.parametrize("name", TILTED)
def test_a_tilt_without_a_negative_view_is_refused(name, hidden, scored):
    with pytest.raises(ValueError, match="scored for another objective"):
        loss_of(hidden, replace(scored, negative_hidden=None), TILTED[name])


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


@pytest.mark.parametrize("objective", [Objective("k1", "token_mean"), Objective("reward", "token_mean")])
def test_a_ratio_compares_policies_at_one_temperature(objective, hidden, scored):
    """Old log-probs taken at the objective's temperature make the ratio 1, the loss minus the advantage."""
    at_half = replace(objective, logprob_temperature=0.5)
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
        hidden, scored.teacher_hidden, student_head, teacher_head, MASK, beta, temperature=temperature
    )
    neutral = replace(scored, weights=torch.ones(ROWS))
    objective = Objective(kind, "token_mean", jsd_beta=beta or 0.5, logprob_temperature=temperature)
    assert loss_of(hidden, neutral, objective).item() == pytest.approx(theirs.item(), abs=1e-6)
    (gradient,) = torch.autograd.grad(theirs, hidden)
    assert torch.allclose(gradient_of(hidden, neutral, objective), gradient, atol=1e-6)
