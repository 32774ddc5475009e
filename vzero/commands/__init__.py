"""What people call that is no stage: looking, scoring, comparing, exporting, promoting."""
