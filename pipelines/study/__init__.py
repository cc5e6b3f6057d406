"""What each idea of the field is worth: the same question asked of many models on the same pairs."""
