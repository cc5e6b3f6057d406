"""Outputs of a run, of an exported SavedModel, or of a model on a server."""
