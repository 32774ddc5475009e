"""What a model is shown and told: the messages of each view, and benchmarks' questions in named words."""
