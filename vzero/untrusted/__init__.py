"""The one door for strangers' files: how they are read, what is refused of them and why."""
