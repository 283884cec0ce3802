"""From a bare clone to a finished `./cap demo`, and where the time goes.

./cap bench fresh_clone                  # with this user's cache of packages
./cap bench fresh_clone --empty-home     # without
"""

import argparse
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cap_bringup.workspace import EXPORTED, ROOT, VENV

_STEP = re.compile(r'● (?P<title>.*)')
_DONE = re.compile(r'\s*done in (?P<seconds>[\d.]+) s')
_NODES = re.compile(r'nodes ready after (?P<seconds>[\d.]+) s')


def bare_environment(home: str) -> dict[str, str]:
    """This environment without what sourcing the workspace has put there."""
    path = os.environ['PATH'].split(os.pathsep)
    kept = {name: value for name, value in os.environ.items() if name not in EXPORTED}
    return {
        **kept,
        'PATH': os.pathsep.join(p for p in path if not p.startswith(str(VENV))),
        'HOME': home,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--empty-home', action='store_true', help='no cache, no settings')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='cap-clone-') as folder:
        clone, home = Path(folder, 'clone'), Path(folder, 'home')
        home.mkdir()
        environment = bare_environment(str(home) if options.empty_home else os.environ['HOME'])
        started = time.monotonic()
        subprocess.run(['git', 'clone', '--quiet', ROOT, clone], check=True)
        rows = [('git clone', time.monotonic() - started)]
        process = subprocess.Popen(
            ['./cap', 'demo'],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        title, ready_at = '', math.nan
        for line in process.stdout:
            print(line, end='', flush=True)
            if match := _STEP.match(line):
                title = match['title']
            elif match := _DONE.match(line):
                rows.append((title, float(match['seconds'])))
            elif match := _NODES.match(line):
                rows.append(('nodes started', float(match['seconds'])))
                ready_at = time.monotonic()
        status = process.wait()
        ended = time.monotonic()
        total = ended - started
        if not math.isnan(ready_at):
            rows.append(('instruction, pictures, end of the nodes', ended - ready_at))
            rows.append(('between these', total - sum(seconds for _, seconds in rows)))
    print(f'\nexit status {status}; {total:.1f} s from the clone to the end')
    for name, seconds in rows:
        print(f'{seconds:7.1f} s  {name}')
    return status


if __name__ == '__main__':
    sys.exit(main())
