"""Kits: what a run needs besides its rows, made in the house or lent for minutes, and how much of a key it uses up."""
