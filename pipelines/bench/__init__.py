"""What things cost: training, watching it, decoding, serving, preparing a corpus; each beside a peer or the machine."""
