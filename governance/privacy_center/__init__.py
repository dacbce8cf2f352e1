"""The public pages for data subjects: see, give and withdraw consent; ask for access, erasure, correction; check a proof.

What must stay true:

* Saying no, and taking a yes back, is as easy as saying yes (Art. 7(3)): same page, same size, no login, no reason.
* Nobody learns here whether somebody is known to us: the answers for known and unknown people are the same, and what
  differs happens in a job.
* The pages work without JavaScript (there is none), set no cookie, and ask no other host for anything.
* Views parse, call a verb of :mod:`consent` or :mod:`dsar`, and present.

Without cookies there is no ambient authority that another site could borrow: a page acts on a signed link or on a code,
never on who is asking. That is why its forms need no CSRF token (and a token would need a cookie).
"""
