"""Our tables written in other projects' forms, one a file."""
