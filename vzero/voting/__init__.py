"""How a frozen Solver votes on a question, and what becomes of the question by its votes."""
