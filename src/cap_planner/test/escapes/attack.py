"""What an attack is: a program, what it is after, and the layers that stand in its way."""

from __future__ import annotations

import enum
import textwrap
from dataclasses import dataclass

from cap_planner.sandbox.confine import LAYERS as KERNEL_LAYERS


class Goal(enum.StrEnum):
    """What an attack is after; a canary outside the child decides whether it got there."""

    READ_FILE = 'read a file'
    WRITE_FILE = 'write a file'
    SOCKET = 'open a socket'
    PROCESS = 'start a process'
    SIGNAL = 'signal another process'
    FORGE = 'forge a call'
    EXHAUST = 'exhaust the host'
    NEXT_PROGRAM = 'reach the next program'
    INFORMATION = 'learn of the host'
    PRIVILEGE = 'get a descriptor, identity or memory that it was not given'


class Layer(enum.StrEnum):
    """What stands in the way besides the kernel's layers, and can be switched off like them.

    Attributes:
        SCOPE: the child's restricted builtins, imports and libraries. It makes honest programs
            work well and is no boundary, so the arm with the kernel's layers on leaves it off, too.
        LAUNCH: the zygote is started with an environment of its own.
        FORK: one process per program.
        WALL, CALLS, PRINTED, ROOM: the host's budgets of time, calls, text and session.
        SIZE, CODEC, CALL, NESTED, NAMES, SOURCES, IMPORTS: what the host checks of the child's
            frames: their length, their coding, what is called, the result of a nested program, the
            names of the session, where its functions come from, which imports it repeats.
    """

    SCOPE = 'scope'
    LAUNCH = 'launch'
    FORK = 'fork'
    WALL = 'wall'
    CALLS = 'calls'
    PRINTED = 'printed'
    ROOM = 'room'
    SIZE = 'size'
    CODEC = 'codec'
    CALL = 'call'
    NESTED = 'nested'
    NAMES = 'names'
    SOURCES = 'sources'
    IMPORTS = 'imports'


# What programs are told besides the names of every program; see Attack.
TOLD = (
    *('nonce', 'folder', 'secret_path', 'private_path', 'tcp_port', 'udp_port', 'unix_path'),
    *('dgram_path', 'abstract', 'ipc_key', 'victim', 'victim_address', 'victim_length', 'nr'),
)
EVERY_LAYER = (*KERNEL_LAYERS, *Layer)


@dataclass(frozen=True)
class Attack:
    """A program that no verifier has seen.

    It finds these names: `nonce`, `folder` (everybody may write there), `secret_path` (everybody
    may read it), `private_path` (root alone), `tcp_port`, `udp_port`, `unix_path`, `dgram_path`,
    `abstract`, `ipc_key`, `victim` (a process id), `victim_address` and `victim_length` (of a
    secret in its memory) and `nr` (system call numbers by name).

    Attributes:
        layers: those that must all be off for it to succeed; any one of them is enough to stop it.
        reach: how it gets at what it needs. When that has worked, it says the nonce.
        attempt: the attack itself.
        origin: where the idea is published.
        aside: layers that are switched off with the others, and of which nothing is claimed.
        root: works only where the tests run as root.
        optional: the machine itself may refuse it (containers and older kernels do).
        x86: only on x86_64.
    """

    name: str
    goal: Goal
    layers: frozenset[str]
    reach: str
    attempt: str
    origin: str
    aside: frozenset[str] = frozenset()
    root: bool = False
    optional: bool = False
    x86: bool = False

    @property
    def off(self) -> frozenset[str]:
        """What has to be off for it to succeed."""
        return self.layers | self.aside

    @property
    def program(self) -> str:
        """The whole text, as an attacker would send it."""
        steps = (self.reach, 'say(nonce)', self.attempt, "say('done')")
        return '\n'.join(textwrap.dedent(step).strip('\n') for step in steps if step)


# The interpreter's own files may lie where only root reads (its home folder): what imports a module
# from the disk is tried as root.
FROM_DISK = frozenset({'identity'})


def layers(names: str) -> frozenset[str]:
    """The set of layers from their names in one text.

    Raises:
        ValueError: no such layer.
    """
    unknown = set(names.split()) - set(EVERY_LAYER)
    if unknown:
        raise ValueError(f'no layer {sorted(unknown)}; there are {", ".join(EVERY_LAYER)}')
    return frozenset(names.split())


# The walk that CVE-2025-9959 and CVE-2026-4963 took: from any value up to object, and down to a
# class whose functions see the real os.
WALK = """
found = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close']
modules = found[0].__init__.__globals__['sys'].modules
os, real = modules['os'], modules['builtins']
"""
KERNEL = (
    WALK
    + """
ctypes = modules['ctypes']
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(name, *arguments):
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(nr[name]), *wide)
    if result < 0:
        raise real.OSError(ctypes.get_errno(), name)
    return result
"""
)

# What switches the scope off: the real builtins, importers and libraries, as in CaP-X, which runs
# its programs in a plain interpreter.
SCOPE_OFF = (
    WALK
    + """
sys = modules['sys']
(lambda: 0).__globals__['__builtins__'].update(real.__dict__)
sys.meta_path[:] = [modules['_frozen_importlib'].BuiltinImporter,
                    modules['_frozen_importlib'].FrozenImporter]
modules['_frozen_importlib_external']._install(modules['_frozen_importlib'])
library = os.__file__.rpartition('/')[0]
packages = modules['numpy'].__path__[0].rpartition('/')[0]
sys.path[:] = [library, library + '/lib-dynload', packages]
np, shapely, math = modules['numpy'], modules['shapely'], modules['math']
del found, modules, os, real, sys, library, packages
"""
)
