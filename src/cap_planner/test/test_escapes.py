"""Known escapes of Python sandboxes, twice: the verifier refuses each, and where it is bypassed the
kernel holds: nothing is written, nobody is connected to, nothing is started or killed, and the next
program is not touched."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from cap_planner.api import TABLETOP
from cap_planner.sandbox.host import Sandbox, SandboxConfig
from cap_planner.sandbox.program import Budget, Program, Returned, Status
from cap_planner.verifier import verify

# The walk through the class hierarchy that CVE-2025-9959 and CVE-2026-4963 took: to the real os,
# sys.modules and builtins, whatever the scope of the program holds.
WALK = """
_close = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close'][0]
os = _close.__init__.__globals__
sys = os['sys']
modules = sys.modules
real = modules['builtins']
from_os = lambda name: os[name]
def syscall(number, *arguments):
    return modules['ctypes'].CDLL(None).syscall(number, *arguments)
"""

# Attacks that reach the kernel after the walk, and are killed there. @ stands for a folder that
# must stay empty, PORT for a listening socket that must stay lonely.
KILLED = {
    'open': "real.open('@/a', 'w')",
    'os.open': "os['open']('@/a', os['O_CREAT'] | os['O_WRONLY'])",
    'read a secret': "say(real.open('/etc/passwd').read())",
    'FileIO': "modules['_io'].FileIO('@/a', 'w').write(b'x')",
    'numpy dump': "np.zeros(3).dump('@/a')",
    'numpy save': "modules['numpy'].save('@/a', np.zeros(3))",
    'numpy memmap': "modules['numpy'].memmap('@/a', mode='w+', shape=(3,))",
    'mkdir': "os['mkdir']('@/a')",
    'symlink': "os['symlink']('/etc/passwd', '@/a')",
    'listdir': "say(str(os['listdir']('/')))",
    'chdir': "os['chdir']('/')",
    'socket': "modules['_socket'].socket().connect(('127.0.0.1', PORT))",
    'unix socket': "modules['_socket'].socket(1).connect('/run/dbus/system_bus_socket')",
    'system': "os['system']('touch @/a')",
    'fork': "os['fork']()",
    'fork bomb': "while True: os['fork']()",
    'exec': "os['execv']('/bin/touch', ['touch', '@/a'])",
    'posix_spawn': "os['posix_spawn']('/bin/touch', ['touch', '@/a'], {})",
    'thread': "modules['_thread'].start_new_thread(print, ())",
    'kill the parent': "os['kill'](os['getppid'](), 9)",
    'kill everything': "os['kill'](-1, 9)",
    'kill by number': 'syscall(62, 1, 9)',
    'ptrace': 'syscall(101, 16, 1, 0, 0)',
    'io_uring': 'syscall(425, 8, 0)',
    'bpf': 'syscall(321, 0, 0, 0)',
    'userfaultfd': 'syscall(323, 0)',
    'memfd': "os['memfd_create']('x')",
    'process_vm_writev': 'syscall(311, 1, 0, 0, 0, 0, 0)',
    'pidfd_getfd': 'syscall(438, 3, 0, 0)',
    'sendmsg with descriptors': "modules['_socket'].socket(fileno=3).sendmsg([b'x'])",
    'unshare': 'syscall(272, 0x10000000)',
    'setuid': "os['setuid'](0)",
    'raise limits': "modules['resource'].setrlimit(0, (-1, -1))",
    'signal handler': 'syscall(13, 24, 0, 0, 8)',
    'prctl': 'syscall(157, 38, 0, 0, 0, 0)',
    'executable memory': "modules['ctypes'].CDLL(None).mmap(0, 4096, 7, 34, -1, 0)",
    'memory of others': "real.open('/proc/self/mem', 'r+b')",
    'descriptor walk': "for fd in range(64):\n    if fd != 3: os['write'](fd, b'x')",
    'dup': "os['dup'](3)",
    'multiprocessing lock': "real.open('/dev/shm/sem.x', 'w')",
    'dlopen': "modules['ctypes'].CDLL('libcrypt.so.1')",
    'traceback from disk': "modules['linecache'].getline('/etc/passwd', 1)",
    'x32 call': "syscall(0x40000000 | 257, -100, b'/etc/passwd', 0)",
}
ON_X86_ONLY = {
    *('kill by number', 'ptrace', 'bpf', 'userfaultfd', 'process_vm_writev', 'unshare', 'prctl'),
    *('signal handler', 'x32 call'),
}

# Attacks on the host through the pipe: what a child writes there is no frame, or none of ours.
FRAMES = {
    'garbage': "os['write'](3, b'x' * 100)",
    'header of 4 GiB': "os['write'](3, b'\\xff\\xff\\xff\\xff')",
    'a pickle': "send(b'\\x80\\x04\\x8c\\x05posix\\x8c\\x06system\\x93.')",
    'deep JSON': "send(b'[' * 100000)",
    'infinity': 'send(b\'{"kind": "call", "id": 1e999}\')',
    'a list': "send(b'[]')",
    'unknown kind': 'send(b\'{"kind": "exec", "code": "1"}\')',
    'unknown function': 'send(b\'{"kind": "call", "id": 9, "name": "__import__", "line": 1, '
    '"args": ["os"], "kwargs": {}, "depth": 0}\')',
    'missing keys': 'send(b\'{"kind": "call", "name": "say"}\')',
    'a result for no program': 'send(b\'{"kind": "lmp_result", "id": 1, "value": 3}\')',
    'a poisoned session': 'send(b\'{"kind": "end", "error": null, "printed": "", "dropped": {}, '
    '"functions": {}, "variables": {"say": 3}}\')',
    'internals in the session': 'send(b\'{"kind": "end", "error": null, "printed": "", '
    '"dropped": {}, "functions": {}, "variables": {"__builtins__": {}}}\')',
    'an object array': 'send(b\'{"kind": "call", "id": 1, "name": "say", "line": 1, "depth": 0, '
    '"kwargs": {}, "args": [{"~": "array", "dtype": "O", "shape": [0], "data": ""}]}\')',
}
SEND = """
def send(payload):
    os['write'](3, len(payload).to_bytes(4, 'big') + payload)
    while True: pass
"""

# Attacks on the language alone: the scope of a program already lacks what they need.
LANGUAGE = {
    'CaP getattr': "getattr(say, '_' * 2 + 'globals' + '_' * 2)",
    'open by name': "open('@/a', 'w')",
    'eval': "eval('1')",
    'exec': "exec('import os')",
    'import os': 'import os',
    'import from numpy': 'from numpy.lib.npyio import DataSource',
    'CVE-2025-5120 (whitelisted module)': "import queue\nqueue.threading.sys.modules['os']",
    'numpy tofile': "np.zeros(3).tofile('@/a')",
    'numpy os': "np.os.system('touch @/a')",
    'numpy f2py': "np.f2py.os.system('touch @/a')",
    'numpy load': "np.load('@/a', allow_pickle=True)",
    'numpy ctypeslib': "np.ctypeslib.load_library('libc', '/lib')",
    'shapely lib': "shapely.lib.__loader__.load_module('os')",
    'random os': 'np.random._pickle.__loader__',
    'CVE-2023-41039 (format)': "x = '{0.__globals__}'.format(say)\nsay(x[:0])\nraise ValueError(x)",
    'format_map': "raise ValueError('{a.__class__}'.format_map({'a': 1}))",
    'CVE-2026-76825 (Formatter)': "import string\nstring.Formatter().format('{0.x}', 1)",
    'a class': 'class Evil(str): pass',
    'type with three arguments': "type('Evil', (str,), {})",
    'CVE-2025-22153 (except*)': 'try:\n    raise ValueError\nexcept* ValueError as e:\n    e.x',
    'CVE-2024-47532 (AttributeError.obj)': 'try:\n    say.x\nexcept AttributeError as e:\n'
    "    raise ValueError(e.obj.__globals__['x'])",
    'breakpoint': 'breakpoint()',
    'input': 'input()',
    'with': "with open('@/a') as f: pass",
    'async': 'async def f():\n    pass\nraise ValueError(f().cr_frame)',
}


@pytest.fixture(scope='module')
def sandbox():
    with Sandbox(SandboxConfig(cpu_seconds=5, memory_bytes=256 << 20)) as started:
        yield started


@pytest.fixture
def listener():
    with socket.create_server(('127.0.0.1', 0)) as server:
        server.setblocking(False)
        yield server


def fill(source, folder, listener):
    return source.replace('@', str(folder)).replace('PORT', str(listener.getsockname()[1]))


def attack(sandbox, source, folder, listener):
    """Run a program that the verifier has not seen, and look that nothing came of it."""
    heard = []

    def on_call(call):
        heard.append(call)
        return Returned()

    program = Program(fill(source, folder, listener), TABLETOP)
    outcome = sandbox.run(program, on_call, wall_seconds=10.0)
    assert list(folder.iterdir()) == []
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert 'root:' not in str(heard) + outcome.text + outcome.printed
    calls = []
    honest = Program('say(str(len(get_obj_names())))', TABLETOP, outcome.session)
    after = sandbox.run(honest, lambda c: calls.append(c) or Returned(['a']), wall_seconds=10.0)
    assert after.status is Status.FINISHED, after.text
    assert calls[-1].args == ('1',)
    return outcome


EVERY = {
    **{f'{name} (kernel)': WALK + source for name, source in KILLED.items()},
    **{f'{name} (frames)': WALK + SEND + source for name, source in FRAMES.items()},
    **LANGUAGE,
}


@pytest.mark.parametrize('name', EVERY)
def test_the_verifier_refuses_it(name):
    assert not verify(EVERY[name], TABLETOP).ok


@pytest.mark.parametrize('name', LANGUAGE)
def test_without_the_verifier_the_scope_lacks_what_it_needs(name, sandbox, tmp_path, listener):
    outcome = attack(sandbox, LANGUAGE[name], tmp_path, listener)
    assert outcome.status is Status.PROGRAM_ERROR, outcome


@pytest.mark.parametrize('name', KILLED)
def test_without_the_verifier_the_kernel_kills_it(name, sandbox, tmp_path, listener):
    if name in ON_X86_ONLY and 'x86_64' not in sysconfig.get_platform():
        pytest.skip('the number is that of another call here')
    outcome = attack(sandbox, WALK + KILLED[name], tmp_path, listener)
    assert outcome.status is Status.VIOLATION, outcome
    assert 'system call' in outcome.text


@pytest.mark.parametrize('name', FRAMES)
def test_what_is_no_frame_kills_the_child(name, sandbox, tmp_path, listener):
    outcome = attack(sandbox, WALK + SEND + FRAMES[name], tmp_path, listener)
    assert outcome.status is Status.VIOLATION, outcome
    assert 'it sent' in outcome.text


def test_a_child_that_floods_the_pipe_runs_into_its_time(sandbox):
    call = (
        b'{"kind": "call", "id": 1, "name": "say", "line": 1, "depth": 0, "kwargs": {}, "args": []}'
    )
    source = f'{WALK}frame = ({len(call)}).to_bytes(4, "big") + {call!r}\n'
    source += "while True: os['write'](3, frame * 100)"
    answer = Returned('x' * 1000)
    outcome = sandbox.run(Program(source, TABLETOP), lambda c: answer, wall_seconds=0.5)
    assert (outcome.status, outcome.budget) == (Status.KILLED, Budget.WALL)


@pytest.mark.parametrize(
    'source', ['x = 10 ** 10 ** 8', "x = 'a' * 10 ** 11", 'x = [0] * 10 ** 10']
)
def test_bombs_are_killed(source, sandbox):
    outcome = sandbox.run(Program(source, TABLETOP), lambda c: Returned(), wall_seconds=0.5)
    assert outcome.status is Status.KILLED


# That the attacks are attacks: outside of the sandbox each does its harm. Only those whose harm can
# be looked at without doing any.
HARMFUL = ('open', 'os.open', 'FileIO', 'numpy dump', 'numpy save', 'mkdir', 'system', 'exec')


@pytest.mark.parametrize('name', HARMFUL)
def test_outside_of_the_sandbox_it_works(name, tmp_path, listener):
    source = fill(WALK + KILLED[name], tmp_path, listener)
    text = f'import numpy as np, ctypes\nexec({source!r}, {{"np": np, "ctypes": ctypes}})'
    subprocess.run([sys.executable, '-c', text], check=True, timeout=30)
    assert len(list(tmp_path.iterdir())) == 1


def test_outside_of_the_sandbox_the_socket_connects(tmp_path, listener):
    source = fill(WALK + KILLED['socket'], tmp_path, listener)
    text = f'import socket\nexec({source!r}, {{}})'
    subprocess.run([sys.executable, '-c', text], check=True, timeout=30)
    listener.accept()[0].close()


def _python_of_everybody():
    """An interpreter of this version that an ordinary user may run: ours may be in root's home."""
    version = f'python{sys.version_info.major}.{sys.version_info.minor}'
    for path in (sys.executable, f'/usr/bin/{version}', f'/usr/local/bin/{version}'):
        if shutil.which(path) and _runs_as_nobody(path):
            return path
    return None


def _as_nobody(command):
    return ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', *command]


def _runs_as_nobody(path):
    # Twice: setpriv itself can still read root's folders when it starts the first.
    probe = [path, '-S', '-c', 'import os, sys; os.execv(sys.executable, [sys.executable, "-V"])']
    return not subprocess.run(_as_nobody(probe), capture_output=True, check=False).returncode


ORDINARY = """
import os, sys
assert os.getuid() == 65534
from cap_planner.api import TABLETOP
from cap_planner.sandbox.doctor import doctor
from cap_planner.sandbox.host import Sandbox, SandboxConfig
from cap_planner.sandbox.program import Program, Returned
print([layer for layer in doctor() if not layer.ok])
with Sandbox(SandboxConfig()) as sandbox:
    for source in eval(sys.argv[1]):
        program = Program(source, TABLETOP)
        print(sandbox.run(program, lambda call: Returned(), wall_seconds=10.0).status)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason='everything else here runs as an ordinary user then')
def test_an_ordinary_user_has_the_same_sandbox():
    python = shutil.which('setpriv') and _python_of_everybody()
    if not python:
        pytest.skip('no setpriv, or no interpreter that an ordinary user may run')
    attacks = ['x = 1', *(WALK + KILLED[n] for n in ('open', 'socket', 'fork', 'kill the parent'))]
    folders = {str(Path(p).resolve()) for p in sys.path if 'packages' in p or '/src' in p}
    import cap_common
    import cap_planner

    folders |= {str(Path(m.__file__).parent.parent) for m in (cap_common, cap_planner)}
    result = subprocess.run(
        _as_nobody([python, '-P', '-c', ORDINARY, repr(attacks)]),
        env={'PYTHONPATH': os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd='/',
    )
    assert result.stdout.split() == ['[]', 'finished', *['violation'] * 4], result.stderr
