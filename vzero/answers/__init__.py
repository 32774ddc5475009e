"""How an answer is read out of a text, and compared with the right one: one reader a file."""
