"""What the two pages for people share: their look, charts, pictures, and rows looked up by id."""
