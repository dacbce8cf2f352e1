"""Comparing what was done with what would have been: arms, a holdout, and the gate that stops a broken comparison.

Owns: experiments, who was exposed to which arm. What must stay true:

- An assignment is a function of the experiment and the subject: it needs no row, and is the same on every machine and every day.
- Two experiments are independent of each other, and the holdout of all of them: knowing one's arm says nothing about the other.
- Results are refused while the observed shares contradict the planned ones (sample-ratio mismatch): then something between the
  assignment and the count loses people, and every number after it is wrong.

    from engine.experiments import register
    register.define("winter_offer", arms={"control": 1, "coupon": 1}, holdout=0.1, actor=actor)
    arms = register.assign("winter_offer", subjects)        register.expose(...)        register.check_ratio("winter_offer")
"""
