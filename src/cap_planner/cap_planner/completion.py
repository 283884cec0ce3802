"""From what a model wrote to the program in it. No ROS."""

from __future__ import annotations

import ast
import re

from cap_planner.models.base import ModelMalformedError

_FENCE = re.compile(r'^[ \t]*```[^\n`]*\n(.*?)^[ \t]*```[ \t]*$', re.DOTALL | re.MULTILINE)
_OPEN_FENCE = re.compile(r'^[ \t]*```[^\n`]*\n(.*)\Z', re.DOTALL | re.MULTILINE)
_THOUGHT = re.compile(r'\A\s*<think(?:ing)?>.*?</think(?:ing)?>', re.DOTALL)
# A sentence starts with a capital letter or a greeting and has nothing that only code has.
_SENTENCE = re.compile(r'^[A-Z][^=()\[\]{}\\_#]*\s[^=()\[\]{}\\_#]*$')
_WORDS = re.compile(r"[A-Z][a-z']*[,!.]? [A-Za-z]+")


def program_from_completion(text: str) -> str:
    """The Python program in a completion.

    Takes it out of one code fence, or leaves away sentences before and after it. Never repairs
    code: what comes back stood there, in one piece.

    Raises:
        ModelMalformedError: there is no program, more than one, or it does not parse; quotes what
            there is.
    """
    text = _THOUGHT.sub('', text.replace('\r\n', '\n').replace('\r', '\n'))
    if not text.strip():
        raise ModelMalformedError('the model wrote nothing where a program was asked for')
    blocks = [block for block in _FENCE.findall(text) if block.strip()]
    if len(blocks) > 1:
        raise ModelMalformedError(
            f'the model wrote {len(blocks)} code blocks where one program was asked for'
        )
    if not blocks and (open_block := _OPEN_FENCE.search(text)):
        blocks = [open_block.group(1)]
    program = _trim(blocks[0]) if blocks else _without_sentences(_trim(text))
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if not blocks and _WORDS.match(program):
            raise ModelMalformedError(f'the model wrote no program, but: {_quote(text)}') from error
        where = f'line {error.lineno}: {error.msg}' if isinstance(error, SyntaxError) else error
        raise ModelMalformedError(f'not a Python program ({where}): {_quote(text)}') from error
    if not any(_does_something(node) for node in tree.body):
        raise ModelMalformedError(f'not a program: {_quote(text)}')
    return program


def _without_sentences(text: str) -> str:
    """Without whole lines of prose at the two ends, if a program stands between them."""
    lines = text.split('\n')
    while lines and (not lines[0].strip() or _SENTENCE.match(lines[0])):
        lines.pop(0)
    while lines and (not lines[-1].strip() or _SENTENCE.match(lines[-1])):
        lines.pop()
    return _trim('\n'.join(lines)) if lines else text


def _does_something(node: ast.stmt) -> bool:
    """A word alone ('Sorry') parses as Python too, and is no program."""
    if isinstance(node, ast.Pass):
        return False
    if isinstance(node, ast.Expr):
        return any(isinstance(part, ast.Call) for part in ast.walk(node))
    return True


def _trim(text: str) -> str:
    lines = [line.rstrip() for line in text.split('\n')]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    indents = [len(line) - len(line.lstrip()) for line in lines if line]
    shift = min(indents, default=0)
    return '\n'.join(line[shift:] for line in lines) + '\n'


def _quote(text: str) -> str:
    text = ' '.join(text.split())
    return repr(text if len(text) <= 400 else text[:397] + '...')
