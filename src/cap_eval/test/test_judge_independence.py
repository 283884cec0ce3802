"""The judge cannot see the planner: by the imports of this package, and of all that they import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import cap_eval

PACKAGE = Path(cap_eval.__file__).parent
SOURCES = Path(__file__).parents[2]
JUDGED = {'cap_planner', 'cap_skills', 'cap_perception'}
PURE = ('judge', 'places', 'relations', 'report', 'state', 'success', 'tasks', 'testing', 'wilson')


def imported(file: Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f'{node.module}.{alias.name}' for alias in node.names}
    return names


def source_of(module: str) -> Path | None:
    """The file of a module of this repository."""
    parts = module.split('.')
    stem = SOURCES.joinpath(parts[0], *parts)
    return next((f for f in (stem.with_suffix('.py'), stem / '__init__.py') if f.is_file()), None)


def reachable(start: list[Path]) -> set[str]:
    """Every module that is imported from these files, through our own packages."""
    seen: set[str] = set()
    files = list(start)
    while files:
        for module in imported(files.pop()) - seen:
            seen.add(module)
            source = source_of(module)
            if source:
                files.append(source)
    return seen


def test_no_import_leads_to_what_is_judged() -> None:
    packages = {name.split('.')[0] for name in reachable(sorted(PACKAGE.rglob('*.py')))}
    assert 'cap_eval' in packages
    assert not packages & JUDGED


def test_the_search_does_find_imports() -> None:
    planner = sorted((SOURCES / 'cap_planner' / 'cap_planner').rglob('*.py'))
    assert 'cap_planner' in {name.split('.')[0] for name in reachable(planner)}


def test_the_core_loads_without_ros() -> None:
    code = (
        'import sys\n'
        + ''.join(f'import cap_eval.{name}\n' for name in PURE)
        + 'print(*sorted({name.split(".")[0] for name in sys.modules}))'
    )
    loaded = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    assert not set(loaded) & (JUDGED | {'rclpy', 'cap_interfaces', 'cap_sim'})
