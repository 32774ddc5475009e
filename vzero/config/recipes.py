"""Recipes: named settings of a method. `train.method` says what differs.

`paper` is the text of arXiv 2606.25319, `released` its authors' launcher; where they differ is written here.
`needle` learns the teacher's full distribution in the place of the sampled token, under the same gate. In the
embedded world it was as good after 15 steps and lower after 60 (five seeds, experiment `gate_small`), so
that `paper` is the default. The others are baselines on the same engine: `opd` is needle without the gate
(privileged on-policy distillation), `grpo` rewards right answers and compares siblings as verl and TRL do
(arXiv 2402.03300; the only one that reads labels), `sft` fits the answers that the teacher gives when it sees
the right crop.

`released` has the launcher's settings, not the slips of the code behind them. It does not reproduce, on
purpose:

- The shift of the teacher's log-probs by a token: an answer's first token is learnt from as if the teacher
  had given it log-prob 0, and the gate never sees it. Here each token, first and end included, has its own.
- The lag of the normaliser: the first micro-batch of a mini-batch is divided by the token count of the
  mini-batch before (a run's first: by its own). Here all are divided by the count of their mini-batch.
- The packed forward that leaks: linear-attention layers are not told where the sequences packed into a row
  begin, so all but the first see the ones before. Here no answer sees what it is computed beside.
- Group means in float32, by which siblings with equal scores can weigh other than 1; k3 below 0 by rounding.
- Siblings spread over mini-batches, so that half a group moves the policy before the other half; here groups
  stay whole. Sampled vision tokens, which a replay takes for images; here they are never sampled.
- The teacher's prompt rendered by the student's processor; here by the teacher's own.
- Student logits divided by the rollout temperature (1 in the launcher) and the teacher's not; here both are.
"""

from __future__ import annotations

from typing import Any

RECIPES: dict[str, dict[str, Any]] = {
    "needle": {"kind": "gated"},
    "paper": {"kind": "gated", "gate": {"alpha": 1.0}, "divergence": {"kind": "k1"}},
    "released": {
        "kind": "gated",
        "logprob_temperature": "rollout",
        "divergence": {"kind": "k1", "aggregation": "token_mean", "clamp": 10.0},
    },
    "opd": {"kind": "gated", "gate": {"enabled": False}},
    "grpo": {"kind": "grpo", "logprob_temperature": "rollout"},
    "sft": {"kind": "sft"},
}
