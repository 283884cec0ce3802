"""Hierarchical function generation: functions that a program calls and nobody has defined. No ROS.

The method of Liang et al. 2022 (section III-C): find the undefined names in the syntax tree, ask
for each by its signature, and go on in the body of what comes back, depth first.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from cap_planner.completion import program_from_completion
from cap_planner.models.base import ModelMalformedError
from cap_planner.verifier import Undefined, defined_functions, shortened

_MOST_TOLD = 200


class FunctionDraft(Protocol):
    """One function that is being written: its text, and better ones."""

    def next(self) -> str:
        """A definition that has passed the checks, or the error that says why there is none."""
        ...

    def failed(self, report: str) -> None:
        """The text was no good; the next one is asked for with this report."""
        ...


def generate_functions(
    source: str,
    undefined: Callable[[str, Collection[str]], Iterable[Undefined]],
    ask: Callable[[Undefined, Collection[str]], FunctionDraft],
    problem: Callable[[Undefined, Mapping[str, str]], str | None] = lambda *_: None,
    max_depth: int = 4,
    max_functions: int = 12,
) -> dict[str, str]:
    """Have every undefined function of a program written, and those that they call in turn.

    Args:
        source: the program.
        undefined: the functions that a text calls and nobody has defined, given the names of those
            that have been generated: the verifier's answer.
        ask: a definition of a function, given those names.
        problem: what is wrong with a function, found by trying it with its helpers, and with those
            that need it.
        max_depth: how many levels of functions may be generated.
        max_functions: how many for one program.

    Returns:
        Texts by the name that was asked for, callees before their callers. A text may define
        helpers, too.

    Raises:
        ModelMalformedError: a bound is hit.
    """
    generator = _Generator(undefined, ask, problem, max_depth, max_functions)
    generator.complete(source, depth=0)
    return generator.functions


class _Generator:
    def __init__(
        self,
        undefined: Callable[[str, Collection[str]], Iterable[Undefined]],
        ask: Callable[[Undefined, Collection[str]], FunctionDraft],
        problem: Callable[[Undefined, Mapping[str, str]], str | None],
        max_depth: int,
        max_functions: int,
    ) -> None:
        self.functions: dict[str, str] = {}
        self._begun: dict[str, str] = {}
        self._undefined = undefined
        self._known: set[str] = set()
        self._ask = ask
        self._problem = problem
        self._max_depth = max_depth
        self._max_functions = max_functions
        self._asked: list[str] = []

    def complete(self, source: str, depth: int) -> None:
        for missing in self._undefined(source, self._known):
            if missing.name in self._known:
                continue  # came with a sibling
            self._check_bounds(missing, depth)
            self._asked.append(missing.name)
            draft = self._ask(missing, frozenset(self._known))
            self._write(missing, draft, depth)

    def _write(self, missing: Undefined, draft: FunctionDraft, depth: int) -> None:
        while True:
            text = draft.next()
            before = set(self._known)
            self._known |= defined_functions(text)
            self._begun[missing.name] = text
            self.complete(text, depth + 1)
            del self._begun[missing.name]
            # Its callers, too, which it may call in turn.
            report = self._problem(missing, {**self._begun, **self.functions, missing.name: text})
            if report is None:
                self.functions[missing.name] = text
                return
            self._known = before | set(self.functions)
            draft.failed(report)

    def _check_bounds(self, missing: Undefined, depth: int) -> None:
        if depth >= self._max_depth:
            raise ModelMalformedError(
                f'{_told(missing)} is needed at depth {depth}, and functions are written '
                f'only {self._max_depth} deep; asked for so far: '
                f'{shortened(str(self._asked), _MOST_TOLD)}'
            )
        if len(self._asked) >= self._max_functions:
            raise ModelMalformedError(
                f'{_told(missing)} would be function number {len(self._asked) + 1}, and '
                f'only {self._max_functions} are written for one program: '
                f'{shortened(str(self._asked), _MOST_TOLD)}'
            )


def definition_from_completion(text: str, missing: Undefined, taken: Collection[str] = ()) -> str:
    """The definition in a completion.

    Args:
        taken: names that the program knows already; helpers must not replace what they stand for.

    Raises:
        ModelMalformedError: it has no function of that name, or statements beside definitions,
            which would run at once, or a helper whose name is taken.
    """
    source = program_from_completion(text)
    tree = ast.parse(source)
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom):
            raise ModelMalformedError(
                f'asked for {_told(missing)}: only definitions may come back, and line '
                f'{node.lineno} is {_source(source, node)[:80]!r}'
            )
    defined = defined_functions(source)
    if missing.name not in defined:
        raise ModelMalformedError(
            f'asked for {_told(missing)}: it is not defined, but '
            f'{shortened(str(sorted(defined)), _MOST_TOLD)}'
        )
    if again := shortened(', '.join(sorted(defined & set(taken))), _MOST_TOLD):
        raise ModelMalformedError(
            f'asked for {_told(missing)}: there is {again} already; '
            'call it, or name your own helper otherwise'
        )
    return source


def definitions(text: str) -> str:
    """The functions of a text, and the imports that they may need, without what would run.

    One that does not parse has none.
    """
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return ''
    kept = [node for node in body if _is_definition(node)]
    return text if len(kept) == len(body) else '\n'.join(_source(text, node) for node in kept)


def _is_definition(node: ast.stmt) -> bool:
    match node:
        case ast.FunctionDef() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=[ast.Name()], value=ast.Lambda()):
            return True
    return False


def _source(text: str, node: ast.stmt) -> str:
    """The statement as it stands there: not every one that Python reads can it write."""
    return ast.get_source_segment(text, node) or ''


def _told(missing: Undefined) -> str:
    return shortened(missing.signature, _MOST_TOLD)
