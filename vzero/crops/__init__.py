"""Evidence views: what the teacher sees beside the full image."""
