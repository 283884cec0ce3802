"""The escape corpus: programs that try to get out of the sandbox, and how they are tried.

Each attack is fired twice at the real sandbox, in real children (firing_range.py): with the layers
off that it is up against, where it must be seen to succeed, and with every layer of the kernel on,
where nothing may be touched. No verifier looks at it in either case. Canaries outside of the child
decide (canaries.py, witness.py), and a nonce shows that the attack came as far as its attempt.

Each module but these holds the attacks of one kind. They are our own programs; `origin` names where
the idea was published. `benchmarks/escapes.py` prints what stops what.
"""

from __future__ import annotations

from escapes import (
    exhaustion,
    files,
    forgeries,
    in_python,
    information,
    network,
    next_program,
    privileges,
    processes,
    signals,
    walks,
)
from escapes.attack import Attack

_KINDS = {
    'walk': walks.ATTACKS,
    'Python': in_python.ATTACKS,
    'file': files.ATTACKS,
    'network': network.ATTACKS,
    'process': processes.ATTACKS,
    'signal': signals.ATTACKS,
    'privilege': privileges.ATTACKS,
    'information': information.ATTACKS,
    'exhaustion': exhaustion.ATTACKS,
    'forgery': forgeries.ATTACKS,
    'next program': next_program.ATTACKS,
}
# By kind and name, as in 'walk/frame of a generator'.
ATTACKS: dict[str, Attack] = {
    f'{kind}/{attack.name}': attack for kind, attacks in _KINDS.items() for attack in attacks
}
assert len(ATTACKS) == sum(map(len, _KINDS.values())), 'two attacks of one kind have one name'
