"""Keys: providers of key-encryption keys, subject keys, masters and what is derived from them.

Root to leaf: a version of the key-encryption key (at the provider, never here) wraps subject keys (one per person) and masters;
working keys are derived from masters and never stored. No key is ever in a log, an argument that is kept, an error or a repr.
"""

from pseudonymize.keys.domain_keys import domain_key
from pseudonymize.keys.kek import KekState, destroy_version, rewrap, rotate, states
from pseudonymize.keys.provider import KeyProvider, KeyState, provider

__all__ = [
    "KekState",
    "KeyProvider",
    "KeyState",
    "destroy_version",
    "domain_key",
    "provider",
    "rewrap",
    "rotate",
    "states",
]
