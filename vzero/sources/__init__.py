"""Public data formats, one a file: each yields unchecked annotations, of which `ingest.check` makes rows."""
