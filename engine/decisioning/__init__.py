"""Decisioning: who gets which offer, and why; the offer that is not made is a decision too.

What must stay true: nobody is decided about without a verdict of the gate; every decision is recorded with its reasons and its frozen
input; a decision is replayed from them bit for bit; chance is drawn from a recorded seed.
"""
