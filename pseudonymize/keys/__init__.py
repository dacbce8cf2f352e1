"""Keys: providers of key-encryption keys, subject keys, masters and what is derived from them.

Root to leaf: a key of the provider wraps a version of the key-encryption key; that wraps subject keys (one per person) and masters;
working keys are derived from masters and never stored. No key is ever in a log, an argument that is kept, an error or a repr.
"""

from pseudonymize.keys.domain_keys import domain_key
from pseudonymize.keys.kek import KekState, Move, destroy_version, forget_cached, move, moves, rewrap, rotate, states
from pseudonymize.keys.provider import KeyProvider, KeyState, ProviderName, provider

__all__ = [
    "KekState",
    "KeyProvider",
    "KeyState",
    "Move",
    "ProviderName",
    "destroy_version",
    "domain_key",
    "forget_cached",
    "move",
    "moves",
    "provider",
    "rewrap",
    "rotate",
    "states",
]
