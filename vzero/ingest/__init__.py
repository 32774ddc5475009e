"""From unchecked annotations to the samples that are used, and what became of the rest."""
