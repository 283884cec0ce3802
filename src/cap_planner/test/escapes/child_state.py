"""What the kernel says of a process, in /proc."""

from __future__ import annotations

import contextlib
import os
import re
from typing import Any

_STATUS = re.compile(
    r'^(Uid|Gid|Groups|Umask|Cap\w+|NoNewPrivs|Seccomp|Seccomp_filters|Sig(?:Cgt|Ign)|Cpus_allowed'
    r'|VmLck|VmPin|THP_enabled|untag_mask):.*$',
    re.MULTILINE,
)


def look_at(child: int) -> dict[str, Any]:
    """What the kernel says of a process that cannot change while a program only computes."""
    proc = f'/proc/{child}'
    texts = {}
    for name in ('status', 'stat', 'limits', 'maps', 'timers'):
        with open(f'{proc}/{name}') as file:
            texts[name] = file.read()
    stat = texts['stat'].rpartition(')')[2].split()
    links = {name: os.readlink(f'{proc}/{name}') for name in ('cwd', 'root', 'exe')}
    spaces = {name: _link(f'{proc}/ns/{name}') for name in os.listdir(f'{proc}/ns')}
    own = {}
    for name in ('comm', 'oom_score_adj', 'personality', 'coredump_filter', 'timerslack_ns'):
        with contextlib.suppress(OSError), open(f'{proc}/{name}') as file:
            own[name] = file.read()
    return {
        'descriptors': sorted(_descriptors(proc)),
        'threads': int(stat[17]),
        'group and session': stat[2:4],
        'scheduling': (stat[15:17], stat[37:39]),
        'status': [match[0] for match in _STATUS.finditer(texts['status'])],
        'limits': texts['limits'],
        'executable memory': [
            line
            for line in texts['maps'].splitlines()
            if 'x' in line.split()[1] and '[' not in line
        ],
        'special memory': [line for line in texts['maps'].splitlines() if 'secretmem' in line],
        'timers': texts['timers'],
        'owner': os.stat(proc).st_uid,
        **links,
        **spaces,
        **own,
    }


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except FileNotFoundError:  # a namespace that has no process yet
        return 'none'


def _descriptors(proc: str) -> list[str]:
    found = []
    for number in os.listdir(f'{proc}/fd'):
        with contextlib.suppress(FileNotFoundError):
            found.append(f'{number} {os.readlink(f"{proc}/fd/{number}")}')
    return found


def use_of(child: int) -> tuple[int, float]:
    """Bytes of memory at most, and seconds of CPU time."""
    with open(f'/proc/{child}/status') as file:
        peak = int(re.search(r'VmHWM:\s+(\d+)', file.read())[1]) * 1024  # type: ignore[index]
    with open(f'/proc/{child}/stat') as file:
        stat = file.read().rpartition(')')[2].split()
    return peak, (int(stat[11]) + int(stat[12])) / os.sysconf('SC_CLK_TCK')
