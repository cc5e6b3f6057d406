"""Speed of decoding: this project live and exported, and its peers, in the same cases."""
