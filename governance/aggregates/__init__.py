"""Questions about people, answered with differential privacy.

Owns: the datasets that may be asked, the closed grammar of questions, the bounds on what one person contributes, the
noise, the privacy budget of each dataset and purpose, the ledger of what was spent, and the releases.

What must stay true:

- The unit is the person: removing everything that one person ever did changes no answer's distribution by more than
  e^epsilon (and delta). Every form of question is checked for that by brute force in
  `tests/unit/aggregates/test_sensitivity.py`.
- Noise comes from OpenDP's integer mechanisms alone, and the loss that OpenDP computes for the mechanism is compared
  with the charge in the call that draws.
- The budget is charged and committed before the first bit of noise is drawn. Nothing gives back a charge whose noise
  may have been drawn: a crash costs what it cost.
- What an outsider sees depends on the data through the noise only: keys are a public list, errors depend on the
  question alone, versions change with the clock, no exact figure is stored, logged or written to the audit log. (How
  long an answer takes does depend on the number of rows.)

A process loads datasets after it was forked, not before: Polars' thread pool does not survive a fork. OpenDP's
own Polars path hangs in a forked child and is not used at all; its vector mechanisms survive a fork and draw
different noise in each child.
"""
