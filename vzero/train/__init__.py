"""Gated on-policy distillation: recipes, batches, the objective, checkpoints and the step loop."""
