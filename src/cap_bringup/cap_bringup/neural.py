"""`./cap test --neural`: the detectors that need a model, with tiny ones.

In an environment of its own, so that the default one stays as its lock file says; with the same
versions of what both have, so that the extra can be installed there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from cap_bringup.workspace import (
    DISTROS,
    UV,
    VENV,
    SetupError,
    digest,
    only_one,
    pip_setting,
    pip_settings,
    read_stamp,
    requirements,
    run,
    step,
)

_TESTS = 'src/cap_perception/test/neural'
_SOURCES = ('src/cap_common', 'src/cap_perception')
# What the perception code and these tests import, beside the extra.
_BESIDE = (
    *('numpy', 'opencv-python-headless', 'scipy', 'transforms3d', 'pyyaml', 'pillow'),
    *('pytest', 'pytest-timeout', 'hypothesis'),
)


def run_neural(root: Path, pytest_arguments: Sequence[str], console: Console) -> int:
    """Returns the exit status: 0 if everything passed."""
    try:
        with only_one():
            python = make_environment(root / '.venv-neural')
    except SetupError as error:
        console.print(str(error), style='red')
        return 1
    command = [str(python), '-m', 'pytest', '--confcutdir', _TESTS, '-o', f'testpaths={_TESTS}']
    # Nothing of ROS: what these tests import needs none.
    kept = {name: os.environ[name] for name in ('HOME', 'LANG', 'PATH') if name in os.environ}
    paths = os.pathsep.join(str(root / folder) for folder in _SOURCES)
    return subprocess.run(
        [*command, *pytest_arguments], cwd=root, env={**kept, 'PYTHONPATH': paths}, check=False
    ).returncode


def make_environment(folder: Path) -> Path:
    """The Python of an environment with the extra, made or brought up to date.

    Raises:
        SetupError: it cannot be made.
    """
    lock = requirements(read_stamp().get('distro', DISTROS[0]))
    extra = lock.with_name('neural.in')
    versions = [lock.read_text(encoding='utf-8'), extra.read_text(encoding='utf-8')]
    wanted = digest([sys.version, UV, str(folder), *_BESIDE, *versions])
    python, stamp = folder / 'bin/python', folder / 'cap-setup'
    if stamp.is_file() and stamp.read_text(encoding='utf-8') == wanted:
        return python
    uv = str(VENV / 'bin/uv')
    environment = {**pip_settings(), **os.environ}
    if links := pip_setting('find-links'):
        environment['UV_FIND_LINKS'] = ','.join(links.split())
    with step(f'The extra [neural], {extra.name}, in {folder.name}'):
        run([uv, 'venv', '--clear', '--python', sys.executable, str(folder)], env=environment)
        run(
            [
                *(uv, 'pip', 'install', '--python', str(python), *_BESIDE),
                *('-r', str(extra), '-c', str(lock), '--index-strategy', 'unsafe-best-match'),
            ],
            env=environment,
            show=re.compile(r'\s*(Downloading|Prepared|Installed) .*'),
        )
    stamp.write_text(wanted, encoding='utf-8')
    return python
