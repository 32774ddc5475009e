"""Speed and memory, measured beside what they are to be compared with: `python -m bench`."""
