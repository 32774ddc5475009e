"""From benchmark items to answers, letters, hits and accuracies with intervals."""
