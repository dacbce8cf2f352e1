"""Work as rows: leases, fencing, retries, dead letters; Celery as a wake-up.

What must stay true: a job is written in the transaction of the change that causes it; it runs at least once; while it runs nobody
else runs it, and a runner that lost its lease can write nothing; what fails too often is kept as a dead letter for a person to see.
Arguments are ids, never personal data.
"""
