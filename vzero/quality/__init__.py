"""What the data is like: figures as a table and a page, and how two versions of it differ."""
