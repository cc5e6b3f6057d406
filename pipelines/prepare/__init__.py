"""A corpus of any size made ready for training."""
