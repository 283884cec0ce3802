"""From what a model wrote to the program in it. No ROS.

Models wrap a program in thoughts, sentences, code fences, prompts of an interpreter or JSON, and
add its expected output. What is around the program is left away; the program itself is never put
right: it stood there, in one piece, and there was only one. Whatever is doubtful is an error, which
the model is told. Every step takes time linear in the length of the answer.
"""

from __future__ import annotations

import ast
import itertools
import json
import keyword
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from cap_planner.models.base import ModelMalformedError

MAX_CHARS = 50_000
"""Longer texts are not parsed: that would take seconds."""
_MAX_PIECES = 24
_MAX_END_MARKS = 3

_THOUGHT = re.compile(r'\s*<(think|thinking|thought|reasoning)>')
_THOUGHT_END = re.compile(r'</(?:think|thinking|thought|reasoning)>[ \t]*$', re.MULTILINE)
_END_MARK = re.compile(r'(?:<\|\w{1,30}\|>|</s>|<end_of_turn>|<eos>)\Z')
_FENCE = re.compile(r'^(?P<before>.*?)(?P<mark>`{3,}|~{3,})(?P<info>.*)$', re.MULTILINE)
_BULLET = re.compile(r'\s*(?:[-*+•>]|\d{1,3}[.)])\s+')
_PYTHON = {'python', 'python3', 'py', 'py3', 'ipython', 'pycon'}
_OTHER = {
    *('bash', 'sh', 'shell', 'zsh', 'console', 'terminal', 'text', 'txt', 'plaintext', 'output'),
    *('json', 'jsonl', 'yaml', 'yml', 'toml', 'xml', 'html', 'css', 'csv', 'ini', 'diff', 'log'),
    *('js', 'javascript', 'ts', 'typescript', 'c', 'cpp', 'c++', 'java', 'rust', 'go', 'sql'),
    *('md', 'markdown', 'mermaid'),
}
_PROMPT = re.compile(r'^(?:>>>|\.\.\.)(?: (.*))?$', re.MULTILINE)
_JSON_KEYS = ('code', 'program', 'python')
# In a sentence these stand in code spans, parentheses and for emphasis, or not at all.
_SPAN = re.compile(r'`[^`]*`|\*\*')
_PARENTHESES = re.compile(r'\s\([^()]*\)')
_CODE_CHARACTERS = set('=()[]{}\\#"<>|@&%~^$`*/+_')
_JOINER = re.compile('[\u200c\u200d]')
_RULER = re.compile(r'\s*([-*_=])\1{2,}\s*')


def program_from_completion(text: str, *, may_be_idle: bool = False) -> str:
    """The Python program in a completion, as lines that end in a newline.

    Args:
        may_be_idle: `pass`, or a comment alone, is a program, too: that nothing is to be done.

    Raises:
        ModelMalformedError: there is no program, more than one, or it does not parse; quotes what
            there is.
    """
    text = text.replace('\r\n', '\n').replace('\r', '\n').removeprefix('\ufeff')
    return _program(text, may_be_json=True, may_be_idle=may_be_idle)


@dataclass(frozen=True)
class _Piece:
    """A part of the answer that may be a program.

    Attributes:
        tag: the language that its fence names; '' if none.
        fenced: it stands in a code block.
    """

    text: str
    tag: str = ''
    fenced: bool = True

    @cached_property
    def program(self) -> str:
        """The text without indentation and prompts that it has as a whole."""
        text = textwrap.dedent(self.text).strip('\n').rstrip()
        if text.startswith('>>>'):
            text = '\n'.join(line[1] or '' for line in _PROMPT.finditer(text))
        return text + '\n'

    @cached_property
    def fault(self) -> str:
        """Why it is no Python; empty if it is."""
        return self._parsed if isinstance(self._parsed, str) else ''

    @cached_property
    def is_program(self) -> bool:
        """It is Python, and does something."""
        parsed = self._parsed
        return not isinstance(parsed, str) and any(map(_does_something, parsed.body))

    @cached_property
    def is_idle(self) -> bool:
        """It is Python, and has no statement but `pass`."""
        parsed = self._parsed
        return not isinstance(parsed, str) and all(isinstance(s, ast.Pass) for s in parsed.body)

    @property
    def is_bare_program(self) -> bool:
        """It is one without a fence around it. A fence of ~ may be read as operators."""
        return self.is_program and not self.program.startswith('~~~')

    @cached_property
    def _parsed(self) -> ast.Module | str:
        """The tree, or why there is none."""
        length = len(self.text.strip())
        if length > MAX_CHARS:
            return f'{length} characters, where at most {MAX_CHARS} are read'
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')  # the verifier tells them
                parsed = ast.parse(self.program)
        except SyntaxError as error:
            return f'line {error.lineno}: {error.msg}' if error.lineno else str(error.msg)
        except (ValueError, RecursionError, MemoryError) as error:
            return str(error) or 'nested too deeply'
        if _JOINER.search(self.program) and (joiner := _joiner_in_a_name(parsed)):
            return f'invisible character U+{ord(joiner):04X} in a name'
        return parsed


def _program(text: str, *, may_be_json: bool, may_be_idle: bool) -> str:
    whole = _Piece(text, fenced=False)
    if whole.is_bare_program:
        return whole.program
    text = _without_end_marks(_without_thoughts(text))
    if not text.strip():
        raise ModelMalformedError('the model wrote nothing where a program was asked for')
    if may_be_json and (code := _code_in_json(text)) is not None:
        return _program(code, may_be_json=False, may_be_idle=may_be_idle)
    bare = _without_sentences(text)
    pieces = list(itertools.islice(_pieces(text), _MAX_PIECES + 1))
    blocks = [piece for piece in pieces if piece.fenced]
    if bare.is_bare_program or not blocks:
        return _checked(bare, text, may_be_idle)
    if len(blocks) == 1 and may_be_json and (code := _code_in_json(blocks[0].text)) is not None:
        return _program(code, may_be_json=False, may_be_idle=may_be_idle)
    return _checked(_chosen(pieces, blocks), text, may_be_idle)


def _chosen(pieces: list[_Piece], blocks: list[_Piece]) -> _Piece:
    """The one piece that is meant to be run.

    Blocks of Python count, or else those without a language; so does whatever else is a program.
    If one of them is broken, another one may be only a part of what was meant.
    """
    if len(pieces) > _MAX_PIECES:
        raise ModelMalformedError(
            'the model wrote many code blocks where one program was asked for'
        )
    marked = [piece for piece in blocks if piece.tag in _PYTHON]
    meant = marked or [piece for piece in blocks if piece.tag not in _OTHER]
    broken = [piece for piece in meant if piece.fault]
    programs = [piece for piece in pieces if piece.is_program and piece.tag not in _OTHER]
    different = {piece.program for piece in [*broken, *programs]}
    if len(different) > 1:
        raise ModelMalformedError(
            f'the model wrote {len(different)} code blocks where one program was asked for'
        )
    return [*programs, *broken, *meant, *blocks][0]


def _checked(piece: _Piece, answer: str, may_be_idle: bool) -> str:
    if not piece.text.strip():
        raise ModelMalformedError(f'the model wrote no program, but: {_quote(answer)}')
    if piece.fault:
        raise ModelMalformedError(f'not a Python program ({piece.fault}): {_quote(answer)}')
    if not (piece.is_program or (may_be_idle and piece.is_idle)):
        raise ModelMalformedError(f'not a program: {_quote(answer)}')
    return piece.program


# ── what is around a program ─────────────────────────────────────────────────────────────────────


def _without_thoughts(text: str) -> str:
    """Without what a reasoning model thinks before it answers.

    The opening tag may be missing: some models are given it as the end of the prompt.
    """
    start = 0
    while opened := _THOUGHT.match(text, start):
        closing = f'</{opened[1]}>'
        end = text.find(closing, opened.end())
        if end < 0:
            raise ModelMalformedError('the model wrote only thoughts where a program was asked for')
        start = end + len(closing)
    ends = [end.end() for end in _THOUGHT_END.finditer(text, start)]
    return text[ends[-1] if ends else start :]


def _without_end_marks(text: str) -> str:
    """Without the tokens that end an answer, which some servers let through."""
    for _ in range(_MAX_END_MARKS):
        text = text.rstrip()
        if not (mark := _END_MARK.search(text, max(len(text) - 40, 0))):
            break
        text = text[: mark.start()]
    return text


def _code_in_json(text: str) -> str | None:
    """The program in a JSON object such as {"code": "..."}."""
    if not text.lstrip().startswith('{'):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    codes = [data[key] for key in _JSON_KEYS if isinstance(data.get(key), str)]
    return codes[0] if len(codes) == 1 else None


def _pieces(text: str) -> Iterator[_Piece]:
    """The code blocks, by the rules of CommonMark, and what stands between them.

    Beyond these rules a fence may also begin at the end of a sentence. The last one may stay open.
    """
    outside = 0
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            if _opens(fence):
                yield from _piece(text[outside : fence.start()], fenced=False)
                opened = fence
        elif _closes(fence, opened):
            yield from _piece(text[opened.end() : fence.start()], _tag(opened))
            opened, outside = None, fence.end()
    if opened is not None:
        yield from _piece(text[opened.end() :], _tag(opened))
    else:
        yield from _piece(text[outside:], fenced=False)


def _piece(text: str, tag: str = '', *, fenced: bool = True) -> Iterator[_Piece]:
    if fenced or text.strip():
        yield _Piece(text.removeprefix('\n'), tag, fenced)


def _opens(fence: re.Match[str]) -> bool:
    before, info = fence['before'], fence['info']
    is_backtick = fence['mark'].startswith('`')
    if not _without_bullet(before).strip():
        return not is_backtick or '`' not in info
    return is_backtick and '`' not in before and len(info.split()) <= 1 and '`' not in info


def _closes(fence: re.Match[str], opened: re.Match[str]) -> bool:
    """A fence that stands deeper belongs to the block, such as to a docstring in it."""
    before = opened['before']
    indent = 0 if _without_bullet(before).strip() else len(before.expandtabs())
    return (
        fence['mark'].startswith(opened['mark'])
        and not fence['before'].strip()
        and not fence['info'].strip()
        and len(fence['before'].expandtabs()) <= indent + 3
    )


def _tag(fence: re.Match[str]) -> str:
    words = fence['info'].lower().replace('{', ' ').replace('}', ' ').split()
    return words[0].removeprefix('.') if words else ''


def _without_sentences(text: str) -> _Piece:
    """Without the lines of prose at the two ends. Comments between such lines go with them."""
    if len(text) > MAX_CHARS:
        return _Piece(text, fenced=False)
    lines = text.split('\n')
    first = _end_of_sentences(lines)
    last = len(lines) - _end_of_sentences(lines[first:][::-1])
    return _Piece('\n'.join(lines[first:last]), fenced=False)


def _end_of_sentences(lines: list[str]) -> int:
    """How many of the first lines are prose."""
    end = 0
    for number, line in enumerate(lines, start=1):
        if _is_prose(line):
            end = number
        elif line.strip() and not line.lstrip().startswith('#'):
            break
    return end


def _is_prose(line: str) -> bool:
    """Words that are no Python; not even the head of a block, or what is left of a cut-off line."""
    if _RULER.fullmatch(line):
        return True
    words = _PARENTHESES.sub(' ', _SPAN.sub(' ', _without_bullet(line))).split()
    if not words or _CODE_CHARACTERS & set(''.join(words)):
        return False
    first, last = words[0], words[-1]
    if keyword.iskeyword(first) or keyword.issoftkeyword(first):
        return False
    begins = first[0].isupper() or not first[0].isascii()
    ends = last[-1] in '.!?:…。！？：'
    if not (ends and (begins or len(words) > 2)) and not (begins and len(words) > 1):
        return False
    return bool(_Piece(line).fault)


def _without_bullet(line: str) -> str:
    bullet = _BULLET.match(line)
    return line[bullet.end() :] if bullet else line


def _does_something(node: ast.stmt) -> bool:
    """A word alone ('Sorry') parses as Python too, and is no program."""
    if isinstance(node, ast.Pass):
        return False
    if isinstance(node, ast.Expr):
        return any(isinstance(part, ast.Call) for part in ast.walk(node))
    return True


def _joiner_in_a_name(tree: ast.Module) -> str:
    """The first one; empty: none. Nobody sees it, and of all versions Python 3.13 allows it."""
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            for name in value if isinstance(value, list) else [value]:
                is_name = isinstance(name, str) and not isinstance(node, ast.Constant)
                if is_name and (found := _JOINER.search(name)):
                    return found[0]
    return ''


def _quote(text: str) -> str:
    quoted = repr(' '.join(text[:2000].split()))
    return quoted if len(quoted) <= 400 else f'{quoted[:396]}...{quoted[-1]}'
