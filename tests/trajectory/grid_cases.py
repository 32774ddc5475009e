"""Recipes with what may stand over them, by name: the settings of `train` of each case.

The figures in `grid.json` are of commit 6f0df56, which knew the recipes as branches of one loop, before
methods had files of their own. `PYTHONPATH=tests python -m trajectory.grid_run` writes them anew, where a
change is meant to move them.
"""

from __future__ import annotations

from typing import Any

CASES: dict[str, dict[str, Any]] = {
    "needle": {"recipe": "needle"},
    "paper": {"recipe": "paper"},
    "released": {"recipe": "released"},
    "opd": {"recipe": "opd"},
    "grpo": {"recipe": "grpo"},
    "sft": {"recipe": "sft"},
    "gate gamma": {"recipe": "needle", "method": {"gate": {"gamma": 0.5}}},
    "gate alpha": {"recipe": "needle", "method": {"gate": {"alpha": 0.7}}},
    "gate w_min": {"recipe": "needle", "method": {"gate": {"w_min": 0.6}}},
    "gate w_max": {"recipe": "needle", "method": {"gate": {"w_max": 1.2}}},
    "gate eps": {"recipe": "needle", "method": {"gate": {"eps": 0.1}}},
    "gate shrinkage": {"recipe": "needle", "method": {"gate": {"shrinkage": 0.1}}},
    "gate margin": {"recipe": "needle", "method": {"gate": {"margin": 0.0}}},
    "gate renormalise": {"recipe": "needle", "method": {"gate": {"renormalise": True}}},
    "gate top_share": {"recipe": "needle", "method": {"gate": {"top_share": 0.5}}},
    "gate skip_first": {"recipe": "needle", "method": {"gate": {"skip_first": True}}},
    "paper, no gate": {"recipe": "paper", "method": {"gate": {"enabled": False}}},
    "released, no gate": {"recipe": "released", "method": {"gate": {"enabled": False}}},
    "opd, gate on": {"recipe": "opd", "method": {"gate": {"enabled": True, "alpha": 0.7}}},
    "every gate constant": {
        "recipe": "released",
        "method": {
            "gate": {
                "gamma": 0.5,
                "alpha": 1.5,
                "shrinkage": 0.05,
                "margin": 0.01,
                "renormalise": True,
                "top_share": 0.4,
                "w_min": 0.1,
            }
        },
    },
    "needle, k1": {"recipe": "needle", "method": {"divergence": {"kind": "k1"}}},
    "needle, k1, tilted": {
        "recipe": "needle",
        "method": {"target": {"tilt": 1.5, "tilt_clip": 2.0}, "divergence": {"kind": "k1"}},
    },
    "needle, k2": {"recipe": "needle", "method": {"divergence": {"kind": "k2"}}},
    "needle, k2, tilted": {
        "recipe": "needle",
        "method": {"target": {"tilt": 1.5, "tilt_clip": 2.0}, "divergence": {"kind": "k2"}},
    },
    "needle, k3": {"recipe": "needle", "method": {"divergence": {"kind": "k3"}}},
    "needle, k3, tilted": {
        "recipe": "needle",
        "method": {"target": {"tilt": 1.5, "tilt_clip": 2.0}, "divergence": {"kind": "k3"}},
    },
    "needle, reverse_kl": {"recipe": "needle", "method": {"divergence": {"kind": "reverse_kl"}}},
    "needle, reverse_kl, tilted": {
        "recipe": "needle",
        "method": {"target": {"tilt": 1.5, "tilt_clip": 2.0}, "divergence": {"kind": "reverse_kl"}},
    },
    "needle, jsd": {"recipe": "needle", "method": {"divergence": {"kind": "jsd"}}},
    "needle, jsd, tilted": {
        "recipe": "needle",
        "method": {"target": {"tilt": 1.5, "tilt_clip": 2.0}, "divergence": {"kind": "jsd"}},
    },
    "paper, token_mean": {"recipe": "paper", "method": {"divergence": {"aggregation": "token_mean"}}},
    "grpo, token_mean": {"recipe": "grpo", "method": {"policy_gradient": {"aggregation": "token_mean"}}},
    "paper, sequence_mean": {"recipe": "paper", "method": {"divergence": {"aggregation": "sequence_mean"}}},
    "grpo, sequence_mean": {
        "recipe": "grpo",
        "method": {"policy_gradient": {"aggregation": "sequence_mean"}},
    },
    "paper, sequence_sum": {"recipe": "paper", "method": {"divergence": {"aggregation": "sequence_sum"}}},
    "grpo, sequence_sum": {"recipe": "grpo", "method": {"policy_gradient": {"aggregation": "sequence_sum"}}},
    "paper, sequence_sum_norm": {
        "recipe": "paper",
        "method": {"divergence": {"aggregation": "sequence_sum_norm"}},
    },
    "grpo, sequence_sum_norm": {
        "recipe": "grpo",
        "method": {"policy_gradient": {"aggregation": "sequence_sum_norm"}},
    },
    "top-k and tail": {"recipe": "needle", "method": {"divergence": {"top_k": 4}}},
    "bare top-k": {"recipe": "needle", "method": {"divergence": {"top_k": 4, "tail": False}}},
    "reverse top-k": {"recipe": "opd", "method": {"divergence": {"top_k": 4, "kind": "reverse_kl"}}},
    "jsd beta": {"recipe": "released", "method": {"divergence": {"jsd_beta": 0.3, "kind": "jsd"}}},
    "forward tilted": {"recipe": "needle", "method": {"target": {"tilt": 1.0}}},
    "paper, plain": {"recipe": "paper", "method": {"divergence": {"surrogate": "plain"}}},
    "grpo, plain": {"recipe": "grpo", "method": {"policy_gradient": {"surrogate": "plain"}}},
    "paper, clamp": {"recipe": "paper", "method": {"divergence": {"clamp": 0.05}}},
    "k2 clamp": {"recipe": "opd", "method": {"divergence": {"clamp": 0.01, "kind": "k2"}}},
    "k3 clamp": {"recipe": "paper", "method": {"divergence": {"clamp": 0.01, "kind": "k3"}}},
    "initial teacher": {"recipe": "needle", "teacher": {"kind": "initial"}},
    "ema teacher": {"recipe": "paper", "teacher": {"kind": "ema", "decay": 0.9}},
    "offloaded": {"recipe": "needle", "teacher": {"offload": True}},
    "lora": {"recipe": "needle", "lora": {"rank": 4, "alpha": 8}},
    "recomputed": {"recipe": "needle", "gradient_checkpointing": True},
    "grpo ddof 0": {"recipe": "grpo", "method": {"advantage": {"ddof": 0, "eps": 0.01}}},
    "grpo alone": {"recipe": "grpo", "group": 1, "method": {"advantage": {"group_of_one": "reward"}}},
    "opd alone": {"recipe": "opd", "group": 1},
    "sft alone": {"recipe": "sft", "group": 1},
    "sft, sequence_mean": {"recipe": "sft", "method": {"likelihood": {"aggregation": "sequence_mean"}}},
    "needle, 2 mini-batches": {"recipe": "needle", "mini_batches": 2, "learning_rate": 0.01},
    "paper, 2 mini-batches": {"recipe": "paper", "mini_batches": 2, "learning_rate": 0.01},
    "released, 2 mini-batches": {"recipe": "released", "mini_batches": 2, "learning_rate": 0.01},
    "grpo, 2 mini-batches": {"recipe": "grpo", "mini_batches": 2, "learning_rate": 0.01},
    "sft, 2 mini-batches": {"recipe": "sft", "mini_batches": 2, "learning_rate": 0.01},
    "paper, log-probs at one": {
        "recipe": "paper",
        "temperature": 0.7,
        "method": {"logprob_temperature": "one"},
    },
    "paper, log-probs at rollout": {
        "recipe": "paper",
        "temperature": 0.7,
        "method": {"logprob_temperature": "rollout"},
    },
    "released, log-probs at one": {
        "recipe": "released",
        "temperature": 0.7,
        "method": {"logprob_temperature": "one"},
    },
    "released, log-probs at rollout": {
        "recipe": "released",
        "temperature": 0.7,
        "method": {"logprob_temperature": "rollout"},
    },
    "grpo, log-probs at one": {
        "recipe": "grpo",
        "temperature": 0.7,
        "method": {"logprob_temperature": "one"},
    },
    "grpo, log-probs at rollout": {
        "recipe": "grpo",
        "temperature": 0.7,
        "method": {"logprob_temperature": "rollout"},
    },
    "sft, log-probs at one": {"recipe": "sft", "temperature": 0.7, "method": {"logprob_temperature": "one"}},
    "sft, log-probs at rollout": {
        "recipe": "sft",
        "temperature": 0.7,
        "method": {"logprob_temperature": "rollout"},
    },
    "downsampled": {"recipe": "needle"},
    "downsampled, tilted": {"recipe": "paper", "method": {"target": {"tilt": 1.0}}},
    "three negatives": {"recipe": "needle"},
    "three negatives, tilted": {"recipe": "paper", "method": {"target": {"tilt": 1.0}}},
}

CROPS: dict[str, dict[str, Any]] = {
    "downsampled": {"negative": "downsampled"},
    "three negatives": {"negative": "same_resolution", "negative_count": 3},
}
"""Cases whose names begin like this are trained on crops that are cut so."""
