"""What pages for people share: their look, charts, pictures, rows looked up by id; and cards as Markdown."""
