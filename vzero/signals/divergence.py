"""Per-token divergences between a teacher's and a student's next-token distributions, in nats.

All take logits of shape (tokens, vocabulary) and give (tokens,). With `top_k` the teacher's k likeliest
tokens keep their own entries and everything else shares one tail bucket, so both sides still sum to 1:
the divergence of the coarser distributions, a lower bound on the full one. Without the tail bucket the
entries outside the support are left out of the sum.
"""

from __future__ import annotations

from typing import Literal

import torch

Divergence = Literal["forward_kl", "reverse_kl", "jsd"]


def token_divergence(
    kind: Divergence,
    student_logits: torch.Tensor,
    teacher_logits: torch.Tensor,
    *,
    top_k: int = 0,
    tail: bool = True,
    jsd_beta: float = 0.5,
) -> torch.Tensor:
    """The divergence of a kind at each token, (...), from logits (..., vocabulary); `top_k` 0 keeps all.

    Differentiable in the student's logits.

    Only the forward KL can do without the `tail`: its sum over the support still pays for every bit of the
    student's mass there. (It is then no divergence any more and can fall to -1/e.) Raises
    ValueError for the others without it: they charge the student for its own mass, which would be free
    outside the support, and reverse KL is 0 for a student with all its mass there.
    """
    student = student_logits.log_softmax(dim=-1)
    teacher = teacher_logits.detach().log_softmax(dim=-1)
    if 0 < top_k < teacher.shape[-1]:
        if not tail and kind != "forward_kl":
            raise ValueError(f"{kind} needs the tail: mass outside the teacher's top-k would be free")
        support = teacher.topk(top_k, dim=-1).indices
        coarser = with_tail if tail else _bare
        student, teacher = coarser(student, support), coarser(teacher, support)
    if kind == "forward_kl":
        return kl(teacher, student)
    if kind == "reverse_kl":
        return kl(student, teacher)
    return jsd(teacher, student, beta=jsd_beta)


def kl(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """KL(p || q), (...), from log-probs (..., entries); entries with p = 0 add nothing."""
    probability = p.exp()
    return torch.where(probability > 0, probability * (p - q), 0.0).sum(dim=-1)


def jsd(teacher: torch.Tensor, student: torch.Tensor, *, beta: float) -> torch.Tensor:
    """beta KL(teacher || m) + (1 - beta) KL(student || m) with m = beta teacher + (1 - beta) student.

    From log-probs (..., entries), of shape (...).
    """
    weights = torch.tensor([beta, 1.0 - beta], dtype=teacher.dtype, device=teacher.device).log()
    mixture = torch.logsumexp(torch.stack([teacher + weights[0], student + weights[1]]), dim=0)
    return beta * kl(teacher, mixture) + (1.0 - beta) * kl(student, mixture)


def with_tail(logprobs: torch.Tensor, support: torch.Tensor) -> torch.Tensor:
    """Log-probs of the entries in `support` (..., k) and of all others together, shape (..., k + 1)."""
    kept = logprobs.gather(-1, support)
    rest = logprobs.scatter(-1, support, -torch.inf)
    return torch.cat([kept, rest.logsumexp(dim=-1, keepdim=True)], dim=-1)


def _bare(logprobs: torch.Tensor, support: torch.Tensor) -> torch.Tensor:
    return logprobs.gather(-1, support)
