"""Memory, time, output and calls without end. The bombs are small: so are the limits here."""

from __future__ import annotations

from escapes.attack import KERNEL, WALK, Attack, Goal, layers

_MEMORY = layers('rlimits')
_TIME = layers('rlimits wall')
_WALL = layers('wall')
_PRINTED = layers('printed')
_ROOM = layers('room')
_CALLS = layers('calls')

# 50 MB and more, where 32 MiB are allowed.
_BOMBS = {
    'one text': "x = 'a' * (50 << 20)",
    'many texts': 'x = []\nfor i in range(50): x.append(chr(65 + i) * (1 << 20))',
    'doubled text': "x = 'a'\nwhile len(x) < 40 << 20: x += x",
    'joined text': "x = ','.join(['a' * 10_000] * 5_000)",
    'replaced text': "x = ('a' * 1000).replace('a', 'b' * 50_000)",
    'padded by format': "x = '{:>50000000}'.format('a')",
    'padded by %': "x = '%50000000d' % 1",
    'padded by an f-string': "x = f'{1:50000000}'",
    'centred text': "x = 'a'.center(50 << 20)",
    'one list': 'x = [0] * (7 << 20)',
    'grown list': 'x = list(range(1_500_000))',
    'tuple': 'x = (0,) * (7 << 20)',
    'dict': 'x = dict.fromkeys(range(1_000_000))',
    'large number': 'x = 1 << (8 * (50 << 20))',
    'array of zeros that are written': 'x = np.zeros(7 << 20)\nx += 1.0',
    'array of ones': 'x = np.ones(7 << 20)',
    'repeated array': 'x = np.repeat(np.arange(1000.0), 7_000)',
    'broadcast that is copied': 'x = np.array(np.broadcast_to(1.0, (2700, 2700)))',
    'outer product': 'x = np.outer(np.ones(2700), np.ones(2700))',
    'shape of many points': 'x = LineString(np.ones((1_500_000, 2)))',
}
_LONG = {
    'loop': 'while process_time() < 1.3: pass',
}
# Seen by the host while it is there; in a session it would be carried, too.
_SEEN = "\nsay('look')\nx = None"
_PROCESS_TIME = "\nprocess_time = modules['time'].process_time\n"

ATTACKS = [
    *(
        Attack(f'memory: {name}', Goal.EXHAUST, _MEMORY, '', text + _SEEN, 'monty resource_limits')
        for name, text in _BOMBS.items()
    ),
    *(
        Attack(
            f'time: {name}',
            Goal.EXHAUST,
            _TIME,
            WALK + _PROCESS_TIME,
            text,
            'monty test_limits',
        )
        for name, text in _LONG.items()
    ),
    Attack(
        'memory: mapped without Python',
        Goal.EXHAUST,
        _MEMORY,
        KERNEL,
        "x = modules['mmap'].mmap(-1, 50 << 20)\nfor _ in range(50): x.write(b'a' * (1 << 20))"
        + _SEEN,
        'sandlock test_memory_limit_enforced',
    ),
    Attack(
        'time: asleep',
        Goal.EXHAUST,
        _WALL,
        WALK,
        "modules['time'].sleep(2.5)",
        'smolagents TestTimeout',
    ),
    Attack(
        'time: a lock that is never free',
        Goal.EXHAUST,
        _WALL,
        WALK,
        "lock = modules['_thread'].allocate_lock()\nlock.acquire()\nlock.acquire(True, 2.5)",
        'smolagents TestTimeout',
    ),
    Attack(
        'time: it swallows every exception',
        Goal.EXHAUST,
        _WALL,
        WALK,
        """
        end = modules['time'].monotonic() + 2.5
        while modules['time'].monotonic() < end:
            try:
                modules['time'].sleep(0.01)
                raise ValueError
            except real.BaseException:
                pass
        """,
        'smolagents issue 2395: the time-out is an exception',
    ),
    Attack(
        'output: many lines',
        Goal.EXHAUST,
        _PRINTED,
        '',
        "for i in range(1000): print('a line of text')",
        'monty print_collect_limits',
    ),
    Attack(
        'output: one text',
        Goal.EXHAUST,
        _PRINTED,
        '',
        "print('a' * 1_000_000)",
        'monty print_collect_limits',
    ),
    Attack(
        'output: a separator',
        Goal.EXHAUST,
        _PRINTED,
        '',
        "print(1, 2, sep='a' * 1_000_000)",
        'monty print_collect_limits',
    ),
    Attack(
        'session: one variable',
        Goal.EXHAUST,
        _ROOM,
        '',
        "x = 'a' * 1_000_000",
        'design: a session is data that the host keeps',
    ),
    Attack(
        'session: many variables',
        Goal.EXHAUST,
        _ROOM,
        WALK,
        "(lambda: 0).__globals__.update({f'x{i}': 'a' * 1000 for i in range(1000)})",
        'design: a session is data that the host keeps',
    ),
    Attack(
        'session: a large array',
        Goal.EXHAUST,
        _ROOM,
        '',
        'x = np.ones(200_000)',
        'design: a session is data that the host keeps',
    ),
    Attack(
        'calls: a loop of them',
        Goal.EXHAUST,
        _CALLS,
        '',
        "for i in range(100): say('again')",
        'monty resource_limits',
    ),
    Attack(
        'calls: as frames',
        Goal.EXHAUST,
        _CALLS,
        WALK,
        """
        text = (b'{"kind": "call", "id": 0, "name": "say", "line": 1, "depth": 0, "args": ["x"], '
                b'"kwargs": {}}')
        frame = len(text).to_bytes(4, 'big') + text
        for i in range(100):
            os.write(3, frame)
            os.read(3, 4096)
        """,
        'peer: a child that floods its pipe',
    ),
]
