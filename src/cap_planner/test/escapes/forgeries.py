"""Frames that no honest child sends. What stops them are the host's own checks.

Each check is switched off by putting a credulous one in its place; see switches.py.
"""

from __future__ import annotations

from escapes.attack import WALK, Attack, Goal, Layer, layers

_CODEC, _CALL = layers('codec'), layers('call')
_REACH = (
    WALK
    + """
def send(payload): os.write(3, real.len(payload).to_bytes(4, 'big') + payload)
def forge(old='', new=''):
    text = ('{"kind": "call", "id": 7, "name": "say", "line": 1, "depth": 0, "args": ["x"], '
            '"kwargs": {}}')
    send(text.replace(old, new).encode('utf-8', 'surrogatepass'))
    os.read(3, 4096)
"""
)
_TAG = """forge('"x"', '{"~": %s}')"""
_INFINITE = 'AAAAAAAA8H8='  # float64 inf, little-endian

# What a JSON or a tag may say that no value of a program can.
_VALUES = {
    'infinity': """forge('"x"', '1e999')""",
    'infinity in words': """forge('"x"', '-Infinity')""",
    'no number': """forge('"x"', 'NaN')""",
    'a number of 400 digits': """forge('"x"', '9' * 400)""",
    'half of a pair': """forge('"x"', '"' + chr(92) + 'ud800"')""",
    'bytes that are no UTF-8': """forge('"x"', '"' + chr(0xD800) + '"')""",
    'deep lists': "send(b'[' * 100_000)",
    'deep objects': 'send(b\'{"a":\' * 100_000)',
    'no JSON': "send(b'x' * 100)",
    'infinity in an array': _TAG
    % f'"array", "dtype": "float64", "shape": [1], "data": "{_INFINITE}"',
    'an array of moments': _TAG
    % f'"array", "dtype": "datetime64[s]", "shape": [1], "data": "{_INFINITE}"',
    'an array of raw bytes': _TAG % f'"array", "dtype": "V8", "shape": [1], "data": "{_INFINITE}"',
    'an array of objects': _TAG % f'"array", "dtype": "O", "shape": [1], "data": "{_INFINITE}"',
    'an array that lies of its shape': _TAG
    % f'"array", "dtype": "float64", "shape": [1099511627776], "data": "{_INFINITE}"',
    'an array without its shape': _TAG % f'"array", "dtype": "float64", "data": "{_INFINITE}"',
    'texts that lie of their shape': _TAG % '"text", "shape": [3], "data": ["a"]',
    'a key that cannot be one': _TAG % '"dict", "items": [[[], 1]]',
    'a set of lists': _TAG % '"set", "items": [[]]',
    'a shape without its points': _TAG % '"shape", "wkb": "0102000000FFFFFF7F"',
    'a shape at infinity': _TAG % '"shape", "wkb": "0101000000000000000000F07F000000000000F07F"',
    'a shape that is none': _TAG % '"shape", "wkb": "00"',
}
_CALLS = {
    'an unknown function': """forge('"say"', '"__import__"')""",
    'a method of the host': """forge('"say"', '"call"')""",
    'a name that is none': """forge('"say"', '["say"]')""",
    'no name': """forge('"name": "say", ', '')""",
    'a text as number': """forge('7', '"7"')""",
    'truth as number': """forge('7', 'true')""",
    'a line that is none': """forge('"line": 1', '"line": 1.5')""",
    'arguments without names': """forge('{}', '{"~": "dict", "items": [[1, 2]]}')""",
}
_UNPICKLED = """
def text(value): return b'X' + len(value).to_bytes(4, 'little') + value.encode()
send(b'\\x80\\x02c%s\\n(' + %s + b'tR.')
"""
_END = """
end = ('{"kind": "end", "error": null, "printed": "", "dropped": {}, "functions": '
       + %s + ', "variables": ' + %s + '}')
send(end.encode())
os._exit(0)
"""
_TEXTS = """
long = chr(97) * 40_000
forge('"x"', '{"~": "text", "shape": [3000], "data": ["' + long + '"' + ',""' * 2999 + ']}')
"""
_PRINT = """
send(('{"kind": "end", "error": null, "printed": "' + 'x' * 50_000 + '", "dropped": {}, '
      '"functions": {}, "variables": {}}').encode())
os._exit(0)
"""
_FILL = """'{"v": "' + 'x' * 50_000 + '"}'"""
_NAMES = {
    'a function of the robot': """'{"say": 3}'""",
    'a builtin': """'{"len": 3}'""",
    'a library': """'{"np": 3}'""",
    'the builtins': """'{"__builtins__": {}}'""",
}
_OWN_SOURCE = """'{"helper": "say(1)\\\\ndef helper(): pass"}'"""
_LAMBDA = """
len = lambda x: 99
line = str(len.__code__.co_firstlineno)
"""

ATTACKS = [
    *(
        Attack(f'value: {name}', Goal.FORGE, _CODEC, _REACH, text, 'bad input of the pipe')
        for name, text in _VALUES.items()
    ),
    *(
        Attack(f'call: {name}', Goal.FORGE, _CALL, _REACH, text, 'bad input of the pipe')
        for name, text in _CALLS.items()
    ),
    Attack(
        'a result for no program',
        Goal.FORGE,
        layers('nested'),
        _REACH,
        """send(b'{"kind": "lmp_result", "id": 1, "value": 3}')""",
        'bad input of the pipe',
    ),
    Attack(
        'a frame that is too long',
        Goal.EXHAUST,
        layers('size'),
        _REACH,
        """forge('"x"', '"' + 'x' * 6_000_000 + '"')""",
        'bad input of the pipe',
    ),
    Attack(
        'a short frame that is a large array',
        Goal.EXHAUST,
        _CODEC,
        _REACH,
        _TEXTS,
        'bad input of the pipe',
    ),
    Attack(
        'more printed than is allowed',
        Goal.EXHAUST,
        layers('printed'),
        _REACH,
        _PRINT,
        'bad input of the pipe',
    ),
    Attack(
        'a session larger than its room',
        Goal.EXHAUST,
        layers('room'),
        _REACH,
        _END % ("'{}'", _FILL),
        'design: a session is data that the host keeps',
    ),
    Attack(
        'pickle that writes a file',
        Goal.WRITE_FILE,
        _CODEC,
        _REACH,
        _UNPICKLED % ('io\\nopen', "text(folder + '/a') + text('w')"),
        'smolagents CVE-2025-14931',
    ),
    Attack(
        'pickle that starts a process',
        Goal.PROCESS,
        _CODEC,
        _REACH,
        _UNPICKLED % ('os\\nsystem', "text('echo x > ' + folder + '/started')"),
        'smolagents CVE-2025-14931',
    ),
    *(
        Attack(
            f'session with {name}',
            Goal.NEXT_PROGRAM,
            layers('names'),
            _REACH,
            _END % ("'{}'", values),
            'design: a session is data that the host keeps',
        )
        for name, values in _NAMES.items()
    ),
    Attack(
        'session with a function of a builtin',
        Goal.NEXT_PROGRAM,
        layers('names'),
        _REACH + _LAMBDA,
        _END % ("""'{"len": ["<program>", "<lambda>", ' + line + ']}'""", "'{}'"),
        'design: a session is data that the host keeps',
    ),
    Attack(
        'session with a text of its own',
        Goal.NEXT_PROGRAM,
        frozenset({Layer.SOURCES}),
        _REACH,
        _END % (_OWN_SOURCE, "'{}'"),
        'design: a session is data that the host keeps',
    ),
    Attack(
        "the zygote's socket is shut",
        Goal.NEXT_PROGRAM,
        layers('descriptors seccomp'),
        WALK,
        """
        for number in range(3, 99):
            try:
                way = modules['socket'].socket(fileno=number)
            except real.OSError:
                continue
            if way.type == 5: way.shutdown(2)
            way.detach()
        """,
        'sandlock test_lifecycle: inherited descriptors',
    ),
]
