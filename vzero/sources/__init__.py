"""Public data formats, one a file: each yields unchecked annotations, which `check` turns into rows."""
