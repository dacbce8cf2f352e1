"""What a service client, or a member of staff at the API, may do: `<package>:<verb>`. Pure: no database.

`read` looks, `write` changes, `run` starts work that costs (a batch, a query against a budget, a campaign), `reveal` turns pseudonyms
back into people. Clients hold explicit scopes. Staff hold what their roles say, where `*` stands for every package.
"""

from collections.abc import Iterable

from governance.accounts.errors import ScopeUnknown

PACKAGES = frozenset(
    {
        "accounts",
        "aggregates",
        "airegister",
        "audit",
        "catalogue",
        "channels",
        "consent",
        "content",
        "decisioning",
        "dsar",
        "events",
        "experiments",
        "features",
        "incidents",
        "jobs",
        "journeys",
        "learning",
        "profiles",
        "pseudonymize",
        "purposes",
        "retention",
    }
)
VERBS = frozenset({"read", "write", "run", "reveal"})


def known(scope: str) -> bool:
    """Whether `scope` names a package and a verb of this service."""
    package, separator, verb = scope.partition(":")
    return bool(separator) and package in PACKAGES and verb in VERBS


def checked(scopes: Iterable[str]) -> frozenset[str]:
    """The scopes as a set; raises ScopeUnknown naming the position of the first that does not exist."""
    listed = list(scopes)
    for position, scope in enumerate(listed):
        if not known(scope):
            raise ScopeUnknown(
                "A scope is '<package>:<read|write|run|reveal>'.",
                errors=[{"pointer": f"/scopes/{position}", "detail": "No such scope."}],
            )
    return frozenset(listed)


def covers(held: frozenset[str], wanted: str) -> bool:
    """Whether `held` (explicit scopes, or `*:verb` as roles have them) includes the scope `wanted`."""
    _, _, verb = wanted.partition(":")
    return wanted in held or f"*:{verb}" in held


def spell_out(patterns: Iterable[str]) -> frozenset[str]:
    """Role patterns (`*:read`, `consent:write`) as explicit scopes."""
    explicit: set[str] = set()
    for pattern in patterns:
        package, _, verb = pattern.partition(":")
        explicit.update({f"{name}:{verb}" for name in PACKAGES} if package == "*" else {pattern})
    return frozenset(explicit)
