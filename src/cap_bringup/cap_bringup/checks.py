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
    commands = {
        'style': [python, '-m', 'ruff', 'check', '.'],
        'format': [python, '-m', 'ruff', 'format', '--check', '--quiet', '.'],
        'types': [python, '-m', 'mypy'],
        'tests': [python, '-m', 'pytest', *pytest_arguments],
    }
    if pytest_arguments:
        commands = {'tests': commands['tests']}
    failed = []
    for name, command in commands.items():
        console.rule(name)
        if subprocess.run(command, cwd=root, check=False).returncode != 0:
            failed.append(name)
    if failed:
        console.print(f'[red]failed: {", ".join(failed)}[/red]')
    return 1 if failed else 0
