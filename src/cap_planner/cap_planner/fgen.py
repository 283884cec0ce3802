"""Hierarchical function generation: functions that a program calls and nobody has defined. No ROS.

The method of Liang et al. 2022 (section III-C): find the undefined names in the syntax tree, ask
for each by its signature, and go on in the body of what comes back, depth first.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from cap_planner.completion import program_from_completion
from cap_planner.models.base import ModelMalformedError
from cap_planner.verifier.report import Undefined


@dataclass(frozen=True)
class GeneratedFunction:
    """A function that was written on request.

    Attributes:
        source: its definition, and definitions and imports that came with it.
        depth: 0 for one that the program itself calls, 1 for one that such a function calls, ...
    """

    name: str
    source: str
    depth: int


def generate_functions(
    source: str,
    undefined: Callable[[str, Collection[str]], Iterable[Undefined]],
    ask: Callable[[str], str],
    max_depth: int = 4,
    max_functions: int = 12,
) -> list[GeneratedFunction]:
    """Have every undefined function of a program written, and those that they call in turn.

    Run all of them in one namespace before the program: then they see each other and themselves.

    Args:
        undefined: the functions that a text calls and nobody has defined, given the names of those
            that have been generated: the verifier's answer.
        ask: signature to the text that the model answers with.
        max_depth: how many levels of functions may be generated.
        max_functions: how many for one program.

    Returns:
        Callees before their callers.

    Raises:
        ModelMalformedError: an answer does not define what was asked for, or a bound is hit.
    """
    generator = _Generator(undefined, ask, max_depth, max_functions)
    generator.complete(source, depth=0)
    return generator.functions


class _Generator:
    def __init__(
        self,
        undefined: Callable[[str, Collection[str]], Iterable[Undefined]],
        ask: Callable[[str], str],
        max_depth: int,
        max_functions: int,
    ) -> None:
        self.functions: list[GeneratedFunction] = []
        self._undefined = undefined
        self._known: set[str] = set()
        self._ask = ask
        self._max_depth = max_depth
        self._max_functions = max_functions
        self._asked: list[str] = []

    def complete(self, source: str, depth: int) -> None:
        for missing in self._undefined(source, self._known):
            if missing.name in self._known:
                continue  # came with a sibling
            if depth >= self._max_depth:
                raise ModelMalformedError(
                    f'{missing.signature} is needed at depth {depth}, and functions are written '
                    f'only {self._max_depth} deep; asked for so far: {self._asked}'
                )
            if len(self._asked) >= self._max_functions:
                raise ModelMalformedError(
                    f'{missing.signature} would be function number {len(self._asked) + 1}, and '
                    f'only {self._max_functions} are written for one program: {self._asked}'
                )
            self._asked.append(missing.name)
            text = definition_from_completion(self._ask(missing.signature), missing)
            self._known |= _top_level_names(ast.parse(text))
            self.complete(text, depth + 1)
            self.functions.append(GeneratedFunction(missing.name, text, depth))


def definition_from_completion(text: str, missing: Undefined) -> str:
    """The definition in a completion.

    Raises:
        ModelMalformedError: it has no function of that name, or statements beside definitions,
            which would run at once.
    """
    source = program_from_completion(text)
    tree = ast.parse(source)
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom):
            raise ModelMalformedError(
                f'asked for {missing.signature}: only definitions may come back, and line '
                f'{node.lineno} is {ast.unparse(node)[:80]!r}'
            )
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    if missing.name not in defined:
        raise ModelMalformedError(
            f'asked for {missing.signature}: {missing.name} is not defined, but {defined}'
        )
    return source


def _top_level_names(tree: ast.Module) -> set[str]:
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
