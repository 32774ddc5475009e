"""Answers of vLLM servers: token ids and pixels go out, token ids and log-probs come back."""
