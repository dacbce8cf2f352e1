"""A policy at work: on a table, on a file, as a job; what it counts, what it publishes and the statement it signs."""
