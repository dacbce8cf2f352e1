"""The few ways back and across: re-identification, bridges, rotation. Each takes several people or leaves joins as they are."""
