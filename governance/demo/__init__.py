"""The main job as a story: real shopping data through every room of the house.

It owns no data and no rules. Every step calls the verbs that an integrator would call; every figure it prints comes from the run.
"""
