"""The imports of a program: which are allowed, and what they bind."""

from __future__ import annotations

import ast
from collections.abc import Callable

from cap_planner.sandbox import libraries, vocabulary

_ADVICE = {
    'time': 'calls block until they are done; to wait until something is seen, call a query',
    'random': 'use np.random',
    'scipy': 'use numpy or shapely',
    'typing': 'leave the type hints out, or write list[str]',
    'os': 'programs have no files and no system',
    'sys': 'programs have no files and no system',
    'copy': 'use list(x), dict(x) or x.copy()',
    'itertools': 'write a loop or a comprehension',
    'functools': 'write a function',
    'collections': 'use dict, list and set',
    're': 'use the methods of str',
}
_OTHERWISE = 'numpy, shapely, transforms3d and math may be imported; the API needs no import'

Add = Callable[[ast.AST, str, str, str], None]


class Imports:
    """What the imports of a program bind.

    Attributes:
        modules: local name to dotted name of a library, such as 'np' to 'numpy'.
        hinted: local name to the name that an import from a hint module asked for.
    """

    def __init__(self) -> None:
        self.modules = {
            'np': 'numpy',
            **{name: name for name in ('numpy', 'math', 'shapely', 'transforms3d')},
        }
        self.hinted: dict[str, str] = {}

    def check(self, node: ast.Import | ast.ImportFrom, add: Add) -> None:
        """Record one import; a forbidden one goes to `add` as (node, rule, message, advice)."""
        if isinstance(node, ast.ImportFrom):
            self._check_from(node, add)
            return
        for alias in node.names:
            if alias.name in libraries.libraries():
                root = alias.name.partition('.')[0]
                self.modules[alias.asname or root] = alias.name if alias.asname else root
            elif alias.name in vocabulary.HINT_MODULES:
                advice = f'write `from {alias.name} import ...`, or no import at all'
                add(node, 'import', f'`import {alias.name}` binds a module', advice)
            else:
                _refuse(node, alias.name, add)

    def _check_from(self, node: ast.ImportFrom, add: Add) -> None:
        module = node.module or ''
        found = libraries.libraries()
        if node.level or module not in vocabulary.HINT_MODULES | found.keys():
            _refuse(node, '.' * node.level + module, add)
            return
        for alias in node.names:
            local = alias.asname or alias.name
            if module in vocabulary.HINT_MODULES:
                if alias.name != '*':
                    self.hinted[local] = alias.name
            elif f'{module}.{alias.name}' in found:
                self.modules[local] = f'{module}.{alias.name}'
            elif alias.name == '*':
                if module == 'numpy':
                    add(node, 'import', '`from numpy import *` hides builtins', 'use np.<name>')
            elif alias.name not in vars(found[module])['__all__']:
                add(node, 'import', f'{module} has no {alias.name!r} for programs', '')


def _refuse(node: ast.AST, module: str, add: Add) -> None:
    advice = _ADVICE.get(module.partition('.')[0], _OTHERWISE)
    add(node, 'import', f'module {module!r} may not be imported', advice)
