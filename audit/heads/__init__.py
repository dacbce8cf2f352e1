"""The head of the log: signed checkpoints, the keys that sign them, and who else vouches for them."""
