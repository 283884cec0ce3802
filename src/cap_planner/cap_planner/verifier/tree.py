"""The nodes of a syntax tree that a rule can have something against.

`ast.walk` also visits contexts and operators, more than half of all nodes.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# Their values are no nodes, or nodes that no rule is about: annotations are never evaluated.
_NO_CHILDREN = frozenset(
    {
        *('ctx', 'op', 'ops', 'annotation', 'returns', 'type_comment', 'kind', 'name', 'asname'),
        *('names', 'id', 'attr', 'arg', 'module', 'level', 'conversion', 'simple', 'is_async'),
    }
)
# `names` of an import are nodes; of `global` and `nonlocal` they are texts.
_IMPORTS = (ast.Import, ast.ImportFrom)

_FIELDS = {
    kind: ('names',)
    if kind in _IMPORTS
    else tuple(field for field in kind._fields if field not in _NO_CHILDREN)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
} | {ast.Constant: ()}

Nodes = Mapping[type[ast.AST], list[Any]]
"""Those of each type; an empty list for a type that there is none of."""


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one, in the order of the text, without contexts, operators and
    annotations.
    """
    found: list[ast.AST] = []
    for field in _FIELDS[type(node)]:
        value = getattr(node, field, None)
        if type(value) is list:
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def walk(node: ast.AST) -> list[ast.AST]:
    """A node and all below it, level by level."""
    return [each for level in levels(node) for each in level]


def levels(node: ast.AST) -> Iterator[list[ast.AST]]:
    """The nodes of a tree: first its root, then what is right below it, and so on."""
    level = [node]
    while level:
        yield level
        level = [child for each in level for child in children(each)]


def by_type(nodes: Iterable[ast.AST]) -> Nodes:
    """The nodes of each type, in their order."""
    groups: dict[type[ast.AST], list[Any]] = defaultdict(list)
    for node in nodes:
        groups[type(node)].append(node)
    return groups
