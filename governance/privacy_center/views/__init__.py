"""The pages, by subject. Each view parses, calls a verb, and presents."""
