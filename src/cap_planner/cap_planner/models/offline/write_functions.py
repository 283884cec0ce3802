"""fgen: from a call to the definition of a function whose name says what it does. No ROS.

The idioms are what a programmer would write for such a name; parts of names ('left', 'closest') and
the names of the parameters decide. What a name does not tell is refused.
"""

from __future__ import annotations

import ast
import re
from string import Template

from cap_planner.models.offline.code import Refusal
from cap_planner.models.offline.idioms import IDIOMS
from cap_planner.models.offline.manner import ACTIONS, with_arguments
from cap_planner.models.offline.shape_idioms import SHAPE_IDIOMS

_MANNER = {'speed': '1.0', 'force': 'None'}
_ARG = {'left': 'argmin', 'right': 'argmax', 'top': 'argmax', 'bottom': 'argmin'}
_AXIS = {'left': '0', 'right': '0', 'top': '1', 'bottom': '1'}
_SIGN = {'left': '', 'right': '-', 'top': '-', 'bottom': ''}


def write_function(signature: str) -> str:
    """The definition of the function that a call or an assignment asks for.

    Raises:
        Refusal: the name says nothing that is known here.
    """
    name, parameters = _call(signature)
    asked = [name for name in parameters if name not in _MANNER]
    for idiom in (*IDIOMS, *SHAPE_IDIOMS):
        match = re.fullmatch(idiom.name, name)
        if match and (filled := _fill_roles(idiom.roles, asked)) is not None:
            body = Template(idiom.body).substitute(filled | _derived(match.groupdict()))
            return _function(name, asked, body)
    raise Refusal(f'I do not know what {name}({", ".join(parameters)}) has to do.')


def _function(name: str, parameters: list[str], body: str) -> str:
    """The definition; what moves something can do so in every manner."""
    moving = with_arguments(body, {key: key for key in _MANNER}, ACTIONS)
    if moving != body:
        parameters = [*parameters, *(f'{key}={value}' for key, value in _MANNER.items())]
    moving = moving.replace('\n', '\n    ').replace('\n    \n', '\n\n')
    return f'def {name}({", ".join(parameters)}):\n    {moving}'


def _call(signature: str) -> tuple[str, list[str]]:
    """Name and parameters of the asked function."""
    try:
        tree = ast.parse(signature)
    except (SyntaxError, ValueError) as error:
        raise Refusal(f'I cannot read the call {signature!r}.') from error
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    # The outermost call is the first that the walk meets.
    if not calls or not isinstance(calls[0].func, ast.Name):
        raise Refusal(f'There is no call of a function in {signature!r}.')
    call = calls[0]
    parameters: list[str] = []
    for index, argument in enumerate(call.args):
        name = argument.id if isinstance(argument, ast.Name) else f'arg{index}'
        parameters.append(name if name not in parameters else f'{name}_{index}')
    parameters += [keyword.arg for keyword in call.keywords if keyword.arg]
    return calls[0].func.id, parameters


def _fill_roles(roles: dict[str, str], parameters: list[str]) -> dict[str, str] | None:
    """Which parameter plays which role: by its name, otherwise by its place."""
    if len(roles) != len(parameters):
        return None
    left = list(parameters)
    filled: dict[str, str] = {}
    for role, pattern in roles.items():
        fitting = [name for name in left if re.search(pattern, name)]
        if fitting:
            filled[role] = fitting[0]
            left.remove(fitting[0])
    for role in roles:
        if role not in filled:
            filled[role] = left.pop(0)
    return filled


def _derived(groups: dict[str, str | None]) -> dict[str, str]:
    """What the parts of a name mean in the body."""
    derived = {key: value for key, value in groups.items() if value}
    side = derived.get('side')
    if side:
        derived |= {'arg': _ARG[side], 'axis': _AXIS[side], 'sign': _SIGN[side]}
    if near := derived.get('near'):
        far = near in ('farthest', 'furthest')
        derived |= {'nearest': 'argmax' if far else 'argmin', 'near_sign': '-' if far else ''}
    if size := derived.get('size'):
        derived['size_arg'] = 'argmin' if size == 'smallest' else 'argmax'
    if light := derived.get('light'):
        derived['light_arg'] = 'argmin' if light == 'darkest' else 'argmax'
    if flip := derived.get('flip'):
        derived['flip_signs'] = '[-1, 1]' if flip == 'horizontally' else '[1, -1]'
    if turn := derived.get('turn'):
        derived['turn_sign'] = '-' if turn == 'clockwise' else ''
    return derived
