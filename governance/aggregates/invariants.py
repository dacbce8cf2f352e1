"""What must hold in the privacy ledger at any time, also after a kill -9."""

from django.db import connection

from governance.aggregates import watermark
from governance.aggregates.models import Budget, Release, Spend
from governance.kernel.invariants import Finding, invariant

# What is used is what was reserved and written off, less what was voided.
_USED_IS_THE_SUM_OF_THE_LEDGER = """
SELECT budget.id FROM aggregates_budget budget
LEFT JOIN (
    SELECT budget_id, count(*) FILTER (WHERE number IS NOT NULL) AS numbered,
           COALESCE(sum(CASE state WHEN 'void' THEN -epsilon_micro ELSE epsilon_micro END), 0) AS epsilon,
           COALESCE(sum(CASE state WHEN 'void' THEN -delta_pico ELSE delta_pico END), 0) AS delta
    FROM aggregates_spend WHERE state <> 'commit' GROUP BY budget_id
) spent ON spent.budget_id = budget.id
WHERE budget.epsilon_used_micro <> COALESCE(spent.epsilon, 0) OR budget.delta_used_pico <> COALESCE(spent.delta, 0)
   OR budget.reservations <> COALESCE(spent.numbered, 0)
LIMIT 100
"""
_RELEASE_WITHOUT_CHARGE = """
SELECT release.id FROM aggregates_release release
WHERE NOT EXISTS (SELECT 1 FROM aggregates_spend reserve WHERE reserve.id = release.reservation AND reserve.state = 'reserve'
                  AND reserve.budget_id = release.budget_id AND reserve.epsilon_micro = release.epsilon_micro
                  AND reserve.delta_pico = release.delta_pico AND reserve.query_sha256 = release.query_sha256)
   OR NOT EXISTS (SELECT 1 FROM aggregates_spend line WHERE line.reservation = release.reservation AND line.state = 'commit')
LIMIT 100
"""
_SPEND_NOT_IN_THE_LOG = """
SELECT spend.id FROM aggregates_spend spend WHERE NOT EXISTS (SELECT 1 FROM audit_entry entry WHERE entry.id = spend.entry_id) LIMIT 100
"""
_LOGGED_SPEND_NOT_IN_THE_LEDGER = """
SELECT entry.id FROM audit_entry entry
WHERE entry.action IN ('aggregates.budget_reserved', 'aggregates.budget_recovered')
  AND NOT EXISTS (SELECT 1 FROM aggregates_spend spend WHERE spend.entry_id = entry.id) LIMIT 100
"""


@invariant("aggregates.used_is_the_sum_of_the_ledger")
def used_is_the_sum_of_the_ledger() -> Finding:
    """What a budget has used is what its ledger says, line by line, and no line is missing."""
    return Finding(Budget.objects.count(), _ids(_USED_IS_THE_SUM_OF_THE_LEDGER))


@invariant("aggregates.no_release_without_charge")
def no_release_without_charge() -> Finding:
    """Every answer that was released was charged, for as much as it cost, before."""
    return Finding(Release.objects.count(), _ids(_RELEASE_WITHOUT_CHARGE))


@invariant("aggregates.ledger_and_log_agree")
def ledger_and_log_agree() -> Finding:
    """Every spend is in the audit log, and every spend in the audit log is in the ledger."""
    return Finding(Spend.objects.count(), (_ids(_SPEND_NOT_IN_THE_LOG) + _ids(_LOGGED_SPEND_NOT_IN_THE_LEDGER))[:100])


@invariant("aggregates.ledger_was_not_rolled_back")
def ledger_was_not_rolled_back() -> Finding:
    """The last spend that this machine made on each budget is in the ledger."""
    marks = {budget: watermark.read(budget) for budget in Budget.objects.values_list("id", flat=True)}
    known = {
        str(spend)
        for spend in Spend.objects.filter(id__in=[m.reservation for m in marks.values() if m]).values_list(
            "id", flat=True
        )
    }
    return Finding(
        len(marks), tuple(str(budget) for budget, mark in marks.items() if mark and mark.reservation not in known)
    )


def _ids(query: str) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return tuple(str(identifier) for (identifier,) in cursor.fetchall())
