"""Runs a small program in the zygote, so that every child finds warm what it is going to do.

The interpreter writes into the code that it executes for the first times, and libraries fill their
caches on first use. Done once before the forks, no child has to do it in memory that it shares and
would first have to copy.
"""

from __future__ import annotations

import socket

from cap_planner.sandbox import confine, frames, texts
from cap_planner.sandbox.channel import Channel
from cap_planner.sandbox.child import Child

# As often as it takes until the interpreter leaves the code alone.
_TIMES = 20
_PROGRAM = """
import numpy as np
positions = [pos(f'object {i}') + np.array([0.0, 0.1]) for i in range(2)]
def above(position):
    return np.all(position[1] > 0)
try:
    pos(math.nan)
except Exception as error:
    print(positions, str(error))
"""
_ANSWER = {'value': [0.1, -0.5]}


def rehearse() -> None:
    """Run it, in namespaces of its own; the answers to its calls lie ready in the pipe."""
    program = (_PROGRAM, texts.PROGRAM, texts.code_of(_PROGRAM, texts.PROGRAM))
    function = ('def f(): pass', '<function f>', None)
    start = texts.pack(texts.Start(program, {'f': function}, [], {'x': 1}, 0))
    for _ in range(_TIMES):
        confine.rehearse()
        host, own = socket.socketpair()
        with host, own:
            host.sendall(start + 2 * frames.pack(_ANSWER))
            channel = Channel(own.fileno())
            Child(channel, ['pos'], 1000, 1000).run(texts.load(channel.receive_payload()))
            host.recv(frames.MAX_BYTES)
