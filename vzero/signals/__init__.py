"""Pure mathematics on tensors: the evidence gate, divergences, policy-gradient terms, aggregation."""
