"""What runs look like, in TensorBoard or as one page to mail."""
