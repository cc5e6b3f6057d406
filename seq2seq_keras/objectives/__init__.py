"""What training minimises."""

from .cross_entropy import CrossEntropy, token_log_probs

__all__ = ["CrossEntropy", "token_log_probs"]
