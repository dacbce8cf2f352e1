"""Risk: who stands out in a table, to which attacker, and what it costs to change that.

`measures.py` has k-anonymity, l-diversity, t-closeness and delta-presence, `attackers.py` what they mean to somebody who looks for a
person, `columns.py` what one column gives away, `mondrian.py` generalises until a table satisfies them, `enforcement.py` judges runs.
All of it is group-bys over integers (`groups.py`); nothing here knows Django.
"""

from pseudonymize.risk.attackers import Attackers, attackers
from pseudonymize.risk.columns import ColumnStatement, statement
from pseudonymize.risk.enforcement import Assessment, GroupCounts, OnViolation, RiskTerms, enforce
from pseudonymize.risk.groups import Groups, group
from pseudonymize.risk.measures import (
    Diversity,
    Judgement,
    Presence,
    delta_presence,
    diversity_of,
    judge,
    k_anonymity,
    l_diversity,
    t_closeness,
    uniqueness,
)
from pseudonymize.risk.mondrian import Anonymised, anonymise

__all__ = [
    "Anonymised",
    "Assessment",
    "Attackers",
    "ColumnStatement",
    "Diversity",
    "GroupCounts",
    "Groups",
    "Judgement",
    "OnViolation",
    "Presence",
    "RiskTerms",
    "anonymise",
    "attackers",
    "delta_presence",
    "diversity_of",
    "enforce",
    "group",
    "judge",
    "k_anonymity",
    "l_diversity",
    "statement",
    "t_closeness",
    "uniqueness",
]
