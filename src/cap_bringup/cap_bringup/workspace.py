"""`./cap setup`: a bare machine becomes a built workspace. Standard library only.

The steps, each skipped when its inputs are as they were: system packages, virtual environment,
Python packages by the lock file, ROS interface packages that PyPI lacks (compat/), the workspace.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
VENV = ROOT / '.venv'
STAMP = VENV / 'cap-setup.json'
LOG = ROOT / 'log' / 'setup.log'
UV = 'uv==0.13.8'
DISTROS = ('jazzy', 'kilted')
PREFIX = ROOT / 'install'
COMPAT_PREFIX = PREFIX / 'compat'
ENVIRONMENT = PREFIX / 'environment.sh'
EXPORTED = ('VIRTUAL_ENV', 'AMENT_PREFIX_PATH', 'PYTHONPATH', 'LD_LIBRARY_PATH')
COMPAT = ('control_msgs', 'tf2_msgs', 'vision_msgs')
EIGEN = Path('/usr/include/eigen3')


class SetupError(Exception):
    """Setup cannot go on; the text says what to do."""


_PYTHON = f'python{sys.version_info.major}.{sys.version_info.minor}'
# What the machine must have, by Debian package: a check, and what it is for.
SYSTEM_PACKAGES: dict[str, Callable[[], bool]] = {
    'g++': lambda: shutil.which('c++') is not None,
    'make': lambda: shutil.which('make') is not None,
    'cmake': lambda: shutil.which('cmake') is not None,
    f'{_PYTHON}-dev': lambda: Path(sysconfig.get_paths()['include'], 'Python.h').exists(),
    f'{_PYTHON}-venv': lambda: _can_import('ensurepip', 'venv'),
    'libegl1': lambda: find_library('EGL') is not None,
    'libgl1': lambda: find_library('GL') is not None,
    'libegl-mesa0': lambda: find_library('EGL_mesa') is not None,
    'libgl1-mesa-dri': lambda: bool(_dri_drivers()),
    'libseccomp2': lambda: find_library('seccomp') is not None,
    # ur-analytic-ik has wheels up to Python 3.11; for a newer one it is compiled.
    'libeigen3-dev': lambda: sys.version_info < (3, 12) or (EIGEN / 'Eigen/Core').exists(),
}


def missing_system_packages() -> list[str]:
    """Debian packages that this machine needs and does not have."""
    return [name for name, present in SYSTEM_PACKAGES.items() if not present()]


def _can_import(*names: str) -> bool:
    command = [sys.executable, '-c', 'import ' + ', '.join(names)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _dri_drivers() -> list[Path]:
    folders = (*Path('/usr/lib').glob('*/dri'), Path('/usr/lib/dri'), Path('/usr/lib64/dri'))
    return [driver for folder in folders for driver in folder.glob('*_dri.so')]


def install_system_packages() -> None:
    """Install what is missing with apt, where this user may.

    Raises:
        SetupError: with the line to type.
    """
    missing = missing_system_packages()
    if not missing:
        return
    line = f'apt-get install --yes --no-install-recommends {" ".join(missing)}'
    sudo = [] if os.geteuid() == 0 else ['sudo', '--non-interactive']
    may = shutil.which('apt-get') and (
        not sudo
        or (
            shutil.which('sudo')
            and subprocess.run([*sudo, 'true'], capture_output=True, check=False).returncode == 0
        )
    )
    advice = f'This machine lacks {", ".join(missing)}. Type:\n    sudo {line}\nthen ./cap setup'
    if not may:
        raise SetupError(advice)
    with step(f'System packages: {", ".join(missing)}'):
        environment = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'}
        try:
            run([*sudo, 'apt-get', 'update'], env=environment)
            run([*sudo, *line.split()], env=environment, show=re.compile(r'Setting up .*'))
        except SetupError as error:
            raise SetupError(f'{error}\n{advice}') from error
    if missing_system_packages():
        raise SetupError(advice)


def make_environment() -> None:
    """A virtual environment of this Python, with the installer."""
    # Of the Python below it, if this one is an environment's, even of that which is made anew.
    python = Path(sys.executable).resolve()
    with step(f'Virtual environment .venv of {python}'):
        run([str(python), '-m', 'venv', '--clear', str(VENV)])
        run([str(VENV / 'bin/pip'), 'install', '--quiet', '--disable-pip-version-check', UV])


def install_python_packages(distro: str) -> None:
    """Exactly what the lock file says."""
    lock = requirements(distro)
    with step(f'ROS 2 {distro.capitalize()} and Python packages, {lock.relative_to(ROOT)}'):
        # What is compiled takes the system's Eigen, instead of cloning it.
        ours = {**pip_settings(), 'CMAKE_ARGS': f'-DEIGEN_ROOT={EIGEN}'}
        environment = {**ours, **os.environ, 'VIRTUAL_ENV': str(VENV)}
        uv = [str(VENV / 'bin/uv'), 'pip', 'install', '--require-hashes', '-r', str(lock)]
        # As pip does: the hashes, not the index, say what a package is.
        uv += ['--index-strategy', 'unsafe-best-match']
        shown = re.compile(r'\s*(Downloading|Prepared|Installed) .*')
        run(uv, env=environment, show=shown)
        mend_cmake_exports()


def pip_settings() -> dict[str, str]:
    """Where packages come from, for uv, which does not read pip's configuration."""
    settings = {
        'UV_DEFAULT_INDEX': 'index-url',
        'UV_INDEX': 'extra-index-url',
        'SSL_CERT_FILE': 'cert',
    }
    found = {name: pip_setting(option) for name, option in settings.items()}
    return {name: value for name, value in found.items() if value}


def pip_setting(option: str) -> str:
    """An option of pip, by its environment variable or its configuration; empty if not set."""
    variable = 'PIP_' + option.upper().replace('-', '_')
    if variable in os.environ:
        return os.environ[variable]
    command = [str(VENV / 'bin/pip'), 'config', 'get', f'global.{option}']
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else ''


def mend_cmake_exports() -> None:
    """Point the CMake exports of the ROS wheels at this Python.

    They name the Python of the machine they were built on, and CMake stops at the first path
    that does not exist.
    """
    code = 'import sysconfig; p = sysconfig.get_paths(); print(p["include"]); print(p["purelib"])'
    answer = subprocess.run(
        [str(VENV / 'bin/python'), '-c', code], capture_output=True, text=True, check=True
    )
    include, site_packages = answer.stdout.splitlines()
    for path in (VENV / 'share').glob('**/*.cmake'):
        text = path.read_text(encoding='utf-8')
        mended = mended_export(text, include, site_packages)
        if mended != text:
            # The file is a link into the cache of packages, which other workspaces use, too.
            copy = path.with_suffix('.mended')
            copy.write_text(mended, encoding='utf-8')
            copy.replace(path)


def mended_export(text: str, include: str, site_packages: str) -> str:
    """A CMake export with its absolute paths to Python's and numpy's headers replaced."""
    text = re.sub(r'/[^";\s]+/include/python3\.\d+(?=[";\s])', include, text)
    return re.sub(r'/[^";\s]+/site-packages(?=/numpy/_core/include)', site_packages, text)


def build() -> None:
    """Build compat/ and the workspace with colcon."""
    environment = build_environment()
    compat = ['--base-paths', *(f'compat/{name}' for name in COMPAT)]
    with step('Interface packages that PyPI lacks (compat/)'):
        colcon([*compat, '--build-base', 'build/compat'], COMPAT_PREFIX, environment)
    environment = environment_after(environment, COMPAT_PREFIX)
    with step('Workspace (src/)'):
        colcon(['--base-paths', 'src', '--symlink-install'], PREFIX, environment)
    environment = environment_after(environment, PREFIX)
    lines = [f'export {name}={shlex.quote(environment[name])}\n' for name in EXPORTED]
    ENVIRONMENT.write_text(''.join(lines), encoding='utf-8')


def environment_after(environment: Mapping[str, str], prefix: Path) -> dict[str, str]:
    """What sourcing a prefix's local_setup.bash makes of an environment."""
    command = f'source {shlex.quote(str(prefix / "local_setup.bash"))} && env -0'
    answer = subprocess.run(
        ['bash', '-c', command], env=environment, capture_output=True, text=True, check=True
    )
    return dict(entry.split('=', 1) for entry in answer.stdout.split('\0') if '=' in entry)


def build_environment() -> dict[str, str]:
    """The venv as colcon's underlay."""
    kept = ('HOME', 'LANG', 'LC_ALL', 'TERM', 'TMPDIR', 'CXX', 'CC', 'MAKEFLAGS')
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        'VIRTUAL_ENV': str(VENV),
        'PATH': f'{VENV}/bin:{os.environ["PATH"]}',
        'CMAKE_PREFIX_PATH': str(VENV),
        'AMENT_PREFIX_PATH': str(VENV),
    }


def colcon(arguments: list[str], install: Path, environment: Mapping[str, str]) -> None:
    """One `colcon build`; its packages are shown as they finish."""
    command = [
        *('colcon', '--log-base', 'log/colcon', 'build'),
        *(*arguments, '--install-base', str(install)),
        *('--event-handlers', 'console_cohesion-', 'console_start_end+'),
        *('--cmake-args', '-Wno-dev', '--no-warn-unused-cli', '-DBUILD_TESTING=OFF'),
        f'-DPython3_EXECUTABLE={VENV}/bin/python',
    ]
    run(command, env=environment, show=re.compile(r'^(Finished|Failed) <<< .*'))


def require_plain_path(root: Path) -> None:
    """Refuse a folder that the build tools cannot work in.

    Raises:
        SetupError: there are spaces or the like in its path.
    """
    if not re.fullmatch(r'[\w./+~@=,-]+', str(root)):
        raise SetupError(
            f'The build tools cannot work in {str(root)!r}: '
            'clone into a folder whose path has no spaces or special characters.'
        )


# ── running things ───────────────────────────────────────────────────────────────────────────


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    print(f'● {title}', flush=True)
    started = time.monotonic()
    yield
    print(f'  done in {time.monotonic() - started:.1f} s', flush=True)


def run(
    command: list[str], env: Mapping[str, str] | None = None, show: re.Pattern[str] | None = None
) -> None:
    """Run a command; its output goes to the log, lines that match `show` also to the screen.

    Raises:
        SetupError: it failed; with the end of its output.
    """
    LOG.parent.mkdir(parents=True, exist_ok=True)
    tail: list[str] = []
    with LOG.open('a', encoding='utf-8') as log:
        log.write(f'\n$ {" ".join(command)}\n')
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
        )
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            tail = [*tail[-29:], line]
            if show and show.match(line):
                print(f'    {line.rstrip()}', flush=True)
    if process.wait() != 0:
        raise SetupError(f'{" ".join(command)}\nfailed:\n{"".join(tail)}\nAll of it: {LOG}')


# ── what is up to date ───────────────────────────────────────────────────────────────────────


def requirements(distro: str) -> Path:
    """The lock file of a distribution."""
    return ROOT / 'src/cap_bringup/requirements' / f'{distro}.lock'


def fingerprints(distro: str) -> dict[str, str]:
    """What each step depends on, as digests.

    Python modules are linked into the install, so only what colcon copies or compiles counts,
    and the list of files in config/ and launch/.
    """
    version = sys.version.split()[0]
    compiled = sorted(
        path
        for folder in ('src', 'compat')
        for path in (ROOT / folder).glob('**/*')
        if path.suffix in {'.msg', '.srv', '.action', '.xml', '.cfg'}
        or path.name in {'CMakeLists.txt', 'setup.py'}
    )
    linked = sorted(
        str(path.relative_to(ROOT))
        for folder in ('config', 'launch', 'src/cap_description/urdf')
        for path in (ROOT / folder).glob('*')
    )
    packages = digest([version, distro, UV, requirements(distro).read_text(encoding='utf-8')])
    return {
        'python': digest([version, str(VENV)]),
        'packages': packages,
        'build': digest(
            [packages, str(ROOT), *linked]
            + [f'{path}\n{path.read_text(encoding="utf-8")}' for path in compiled]
        ),
    }


def digest(parts: list[str]) -> str:
    """Tells lists of texts apart."""
    return hashlib.sha256('\0'.join(parts).encode()).hexdigest()


def setup(distro: str | None) -> None:
    """Bring the workspace up to date. Interrupted, it goes on where it was.

    Raises:
        SetupError: it cannot.
    """
    done = read_stamp()
    distro = distro or done.get('distro') or DISTROS[0]
    wanted = fingerprints(distro)
    if all(done.get(name) == value for name, value in wanted.items()):
        return
    LOG.unlink(missing_ok=True)
    install_system_packages()
    # A step is on record only while what it made is whole.
    if done.get('python') != wanted['python']:
        write_stamp({'distro': distro})
        make_environment()
        done = {'distro': distro, 'python': wanted['python']}
        write_stamp(done)
    if done.get('packages') != wanted['packages']:
        done = {'distro': distro, 'python': wanted['python']}
        write_stamp(done)
        install_python_packages(distro)
        # What was built for other packages or another Python is of no use to colcon; but it is of
        # use to a person for as long as these cannot be had.
        for folder in ('build', 'install'):
            shutil.rmtree(ROOT / folder, ignore_errors=True)
        done['packages'] = wanted['packages']
    done.pop('build', None)
    write_stamp(done)
    build()
    write_stamp({**done, 'build': wanted['build']})


def read_stamp() -> dict[str, str]:
    """The fingerprints of the steps that are done."""
    try:
        done: dict[str, str] = json.loads(STAMP.read_text(encoding='utf-8'))
    except (FileNotFoundError, ValueError):
        return {}
    if not (ENVIRONMENT.exists() and (ROOT / 'build').is_dir()):
        done.pop('build', None)
    return done


def write_stamp(done: Mapping[str, str]) -> None:
    """Record the steps that are done."""
    if VENV.is_dir():
        new = STAMP.with_suffix('.new')
        new.write_text(json.dumps(done, indent=1), encoding='utf-8')
        new.replace(STAMP)


@contextmanager
def only_one() -> Iterator[None]:
    """Wait until no other setup of this workspace runs."""
    path = ROOT / 'log' / 'setup.lock'
    path.parent.mkdir(exist_ok=True)
    with path.open('w', encoding='utf-8') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print('Another setup of this workspace runs; waiting for it.', flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog='./cap setup', description=__doc__)
    parser.add_argument('--distro', choices=DISTROS, help='ROS 2 distribution (default: jazzy)')
    parser.add_argument('--quiet', action='store_true', help='say nothing when all is up to date')
    parser.add_argument('--check', action='store_true', help='only say what the machine lacks')
    arguments = parser.parse_args()
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        print(
            f'Python 3.11, 3.12 or 3.13 is needed (this is {sys.version.split()[0]}): MuJoCo has '
            'wheels from 3.11 on, OMPL up to 3.13. Point CAP_PYTHON at one of them.',
            file=sys.stderr,
        )
        return 1
    if arguments.check:
        missing = missing_system_packages()
        print(f'System packages that are missing: {", ".join(missing) or "none"}')
        return 1 if missing else 0
    started = time.monotonic()
    try:
        require_plain_path(ROOT)
        with only_one():
            setup(arguments.distro)
    except SetupError as error:
        print(f'\n{error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nInterrupted; ./cap setup goes on where it was.', file=sys.stderr)
        return 130
    if not arguments.quiet:
        print(f'Ready in {time.monotonic() - started:.1f} s. Try: ./cap demo')
    return 0


if __name__ == '__main__':
    sys.exit(main())
