"""The register of AI systems and their models (AI Act, Regulation (EU) 2024/1689).

What must stay true: a model version names the digest of its artefact and the manifest of what it was trained on, and
neither ever changes; one version of a system is live; a high-risk system has a person who oversees it before a
version goes live (Art. 14, 26(2)); whoever may, stops a system at once with a reason (Art. 14(4)(e)), and what
decides asks `systems.require_running` before it decides; logs of a system are kept for six months at least (Art. 19,
26(6)).
"""
