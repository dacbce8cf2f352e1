"""Retention: rules that execute, legal holds that stop them, disposal runs that tell what happened (Art. 5(1)(e),
17(3)).

What must stay true: a rule names something that can be disposed of and the action that it knows, never a wish; a hold
beats a rule, also when it is placed while a run is under way; a dry run counts and changes nothing; every run leaves
a row with its counts and an entry of the log; a period that the law sets a minimum for is never shorter.

A place registers a `Disposable` when its app is ready. Sources of personal data (`kernel.personal_data`) are erased
by request; to be disposed of by age they register one too, because only they know which of their times counts.
"""
