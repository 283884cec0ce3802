"""`./cap test`: style, types and tests of the whole repository."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console


def run_checks(root: Path, pytest_arguments: Sequence[str], console: Console) -> int:
    """Returns the exit status: 0 if everything passed."""
    python = sys.executable
    pytest = [python, '-m', 'pytest']
    commands = {
        'style': [python, '-m', 'ruff', 'check', '.'],
        'format': [python, '-m', 'ruff', 'format', '--check', '--quiet', '.'],
        'types': [python, '-m', 'mypy'],
        'tests': [*pytest, '-m', 'not system', '--numprocesses', 'auto', '--dist', 'worksteal'],
        # One after another: a system that waits for a core misses the deadlines of a robot.
        'tests of running systems': [*pytest, '-m', 'system', '--durations', '20'],
    }
    if pytest_arguments:
        commands = {'tests': [*pytest, *pytest_arguments]}
    failed = []
    for name, command in commands.items():
        console.rule(name)
        if subprocess.run(command, cwd=root, check=False).returncode != 0:
            failed.append(name)
    if failed:
        console.print(f'failed: {", ".join(failed)}', style='red')
    return 1 if failed else 0
