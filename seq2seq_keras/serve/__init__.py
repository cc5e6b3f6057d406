"""Exported models behind TensorFlow Serving's own API; `server` and `client` are the ways in."""
