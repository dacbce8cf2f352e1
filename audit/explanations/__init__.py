"""Decisions in words and on paper: reasons for the person, dossiers for officer and court, and the words that are never said."""
