"""Label-free post-training for vision-language models, as a data pipeline."""

__version__ = "0.1.0"
