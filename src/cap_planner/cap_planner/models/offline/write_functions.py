"""fgen: from a call to the definition of a function whose name says what it does. No ROS.

The idioms are what a programmer would write for such a name; parts of names ('left', 'closest') and
the names of the parameters decide. What a name does not tell is refused.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from string import Template

from cap_planner.models.offline.code import Refusal

_ARG = {'left': 'argmin', 'right': 'argmax', 'top': 'argmax', 'bottom': 'argmin'}
_AXIS = {'left': '0', 'right': '0', 'top': '1', 'bottom': '1'}
_SIGN = {'left': '', 'right': '-', 'top': '-', 'bottom': ''}


@dataclass(frozen=True)
class _Idiom:
    """A family of functions.

    Attributes:
        name: of the function; its named groups are filled into the body.
        roles: parameter of the idiom to the pattern of the names it has in calls, in order.
        body: with $parameters and $groups.
    """

    name: str
    roles: dict[str, str]
    body: str


_POINTS = {'points': r'points|positions|pts'}
_POINT = {'point': r'point|pos|pt|position|center'}
_NAMES = {'names': r'names|objects|objs'}
_POS = {'pos': r'pos|point|position|center'}
_SIDE = r'(?P<side>left|right|top|bottom)'

_IDIOMS = (
    _Idiom(
        rf'get_{_SIDE}_?most_(idx|index)(_np)?',
        _POINTS,
        'return int(np.$arg(np.array($points)[:, $axis]))',
    ),
    _Idiom(
        r'get_(?P<near>closest|nearest|farthest|furthest)_(idx|index)(_np)?',
        {**_POINTS, **_POINT},
        'distances = np.linalg.norm(np.array($points) - np.array($point), axis=1)\n'
        'return int(np.$nearest(distances))',
    ),
    _Idiom(
        rf'get_{_SIDE}_?most_(obj_|object_)?name',
        _NAMES,
        'positions = get_obj_positions(obj_names=$names)\n'
        'return $names[get_${side}_most_idx(points=positions)]',
    ),
    _Idiom(
        r'get_(obj_|object_)?positions(_np)?',
        _NAMES,
        'return [get_obj_pos(name) for name in $names]',
    ),
    _Idiom(
        rf'sort_(obj_|object_)?names_from_{_SIDE}',
        _NAMES,
        'coordinates = [get_obj_pos(name)[$axis] for name in $names]\n'
        'return [$names[i] for i in np.argsort(${sign}np.array(coordinates))]',
    ),
    _Idiom(
        r'sort_(obj_|object_)?names_from_(?P<near>closest|nearest|farthest|furthest)',
        {**_NAMES, **_POINT},
        'distances = [np.linalg.norm(get_obj_pos(name) - np.array($point)) for name in $names]\n'
        'return [$names[i] for i in np.argsort(${near_sign}np.array(distances))]',
    ),
    _Idiom(
        r'get_(?P<size>biggest|largest|smallest)_(obj_|object_)?name',
        _NAMES,
        'areas = [get_bbox_area(bbox=get_bbox(name)) for name in $names]\n'
        'return $names[int(np.$size_arg(areas))]',
    ),
    _Idiom(
        r'get_bbox_area',
        {'bbox': r'b?box'},
        'x_min, y_min, x_max, y_max = $bbox\nreturn (x_max - x_min) * (y_max - y_min)',
    ),
    _Idiom(
        r'stack_(objects|objs|blocks)(_in_order)?',
        _NAMES,
        'for lower_name, upper_name in zip($names, $names[1:]):\n'
        '    put_first_on_second(upper_name, lower_name)',
    ),
    _Idiom(
        r'(put|stack)_(objects|objs)_(at|on)_pos(ition)?',
        {**_NAMES, **_POS},
        '# The first one goes to the position, the others land on top of it; who is there stays.\n'
        'for name in $names:\n'
        '    if np.linalg.norm(get_obj_pos(name) - np.array($pos)) > 0.02:\n'
        '        put_first_on_second(name, $pos)\n'
        '    else:\n'
        "        say(f'The {name} is there already.')",
    ),
    _Idiom(
        r'put_(objects|objs)_at_different_positions',
        {**_NAMES, **_POINTS},
        'if len($names) > len($points):\n'
        '    raise LocationNotFoundError(\n'
        "        f'{len($names)} objects need as many places, and there are {len($points)}'\n"
        '    )\n'
        'left_names, left_positions = list($names), list($points)\n'
        'for _ in $names:\n'
        '    # The pair with the shortest way first: who is there already stays there.\n'
        '    starts = np.array([get_obj_pos(name) for name in left_names])\n'
        '    ways = starts[:, None, :] - np.array(left_positions)[None, :, :]\n'
        '    distances = np.linalg.norm(ways, axis=2)\n'
        '    i, j = np.unravel_index(np.argmin(distances), distances.shape)\n'
        '    target_pos = get_free_pos_near(pos=left_positions.pop(int(j)))\n'
        '    put_first_on_second(left_names.pop(int(i)), target_pos)',
    ),
    _Idiom(
        r'swap_(objects|objs)',
        {'first': r'first|a|1', 'second': r'second|b|2', 'free': r'free|pos|temp'},
        'first_pos, second_pos = get_obj_pos($first), get_obj_pos($second)\n'
        'put_first_on_second($first, $free)\n'
        'put_first_on_second($second, first_pos)\n'
        'put_first_on_second($first, second_pos)',
    ),
    _Idiom(
        r'get_clearances',
        _POINTS,
        '# How far a 4 cm block at each position would be from the nearest object and from the\n'
        '# edge of the table, less what it needs; negative where it would touch.\n'
        'points = np.array($points)\n'
        'boxes = np.array([get_bbox(name) for name in get_obj_names()])\n'
        'centers = (boxes[:, :2] + boxes[:, 2:]) / 2\n'
        'needed = np.max(boxes[:, 2:] - boxes[:, :2], axis=1) / 2 + 0.035\n'
        'distances = np.linalg.norm(points[:, None, :] - centers[None, :, :], axis=2) - needed\n'
        'low, high = denormalize_xy([0, 0]), denormalize_xy([1, 1])\n'
        'inside = np.min(np.minimum(points - low, high - points), axis=1) + 0.045\n'
        'return np.minimum(np.min(distances, axis=1), inside)',
    ),
    _Idiom(
        r'get_free_pos_near',
        _POS,
        '# A block that is there is built upon; else the position, or one within 4 cm that is\n'
        '# free; else what takes up the place.\n'
        'names = get_obj_names()\n'
        'positions = [get_obj_pos(name) for name in names]\n'
        'distances = np.linalg.norm(np.array(positions) - np.array($pos), axis=1)\n'
        'near_names = [names[i] for i in np.argsort(distances) if distances[i] < 0.045]\n'
        'for name in near_names:\n'
        '    x_min, _, x_max, _ = get_bbox(name)\n'
        '    if x_max - x_min < 0.06:\n'
        '        return get_obj_pos(name)\n'
        'candidates = [np.array($pos)]\n'
        'for radius in [0.01, 0.02, 0.03, 0.04]:\n'
        '    for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):\n'
        '        offset = radius * np.array([np.cos(angle), np.sin(angle)])\n'
        '        candidates.append(np.array($pos) + offset)\n'
        'clearances = get_clearances(positions=candidates)\n'
        'if np.any(clearances > 0):\n'
        '    return candidates[int(np.argmax(clearances > 0))]\n'
        'if len(near_names) > 0:\n'
        '    return get_obj_pos(near_names[0])\n'
        'return candidates[int(np.argmax(clearances))]',
    ),
    _Idiom(
        r'get_free_pos_beside',
        {**_POS, 'direction': r'dir', 'distance': r'dist'},
        'along = np.array($direction)\n'
        'sideways = np.array([-along[1], along[0]])\n'
        'candidates = [\n'
        '    np.array($pos) + scale * $distance * along + shift * sideways\n'
        '    for shift in [0, 0.02, -0.02, 0.035, -0.035]\n'
        '    for scale in [1, 0.9, 1.1, 1.25, 1.4]\n'
        ']\n'
        'clearances = get_clearances(positions=candidates)\n'
        'if np.any(clearances > 0):\n'
        '    return candidates[int(np.argmax(clearances > 0))]\n'
        'return candidates[0]',
    ),
    _Idiom(
        r'get_free_pos_around',
        {**_POS, 'distance': r'dist'},
        'candidates = []\n'
        'for radius in [$distance, 1.2 * $distance, 1.5 * $distance, 2 * $distance]:\n'
        '    for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):\n'
        '        offset = radius * np.array([np.cos(angle), np.sin(angle)])\n'
        '        candidates.append(np.array($pos) + offset)\n'
        'clearances = get_clearances(positions=candidates)\n'
        'if np.any(clearances > 0):\n'
        '    return candidates[int(np.argmax(clearances > 0))]\n'
        'return candidates[int(np.argmax(clearances))]',
    ),
    _Idiom(
        r'get_free_line_positions',
        {'number': r'num|count|n', 'direction': r'dir', 'center': r'cent|pos|middle'},
        'along = np.array($direction) / np.linalg.norm($direction)\n'
        'sideways = np.array([-along[1], along[0]])\n'
        'lines, clearances = [], []\n'
        'for spacing in [0.15, 0.12, 0.1, 0.08, 0.065]:\n'
        '    offsets = (np.arange($number) - ($number - 1) / 2) * spacing\n'
        '    for shift in [0, 0.05, -0.05, 0.1, -0.1, 0.15, -0.15, 0.2, -0.2, 0.25, -0.25]:\n'
        '        for slide in [0, 0.06, -0.06, 0.12, -0.12, 0.18, -0.18]:\n'
        '            middle = np.array($center) + shift * sideways + slide * along\n'
        '            lines.append(middle + np.outer(offsets, along))\n'
        'clearances = get_clearances(positions=np.concatenate(lines))\n'
        'clearances = np.min(clearances.reshape(len(lines), $number), axis=1)\n'
        'if np.any(clearances > 0):\n'
        '    return list(lines[int(np.argmax(clearances > 0))])\n'
        'return list(lines[int(np.argmax(clearances))])',
    ),
    _Idiom(
        r'get_circle_positions|make_circle_positions',
        {'center': r'cent|pos', 'number': r'num|count|n', 'radius': r'rad'},
        'angles = np.linspace(0, 2 * np.pi, $number, endpoint=False)\n'
        'return [\n'
        '    np.array($center) + $radius * np.array([np.cos(angle), np.sin(angle)])\n'
        '    for angle in angles\n'
        ']',
    ),
    _Idiom(
        r'interpolate_(positions|points|pts)(_np)?',
        {'start': r'start|first', 'end': r'end|last', 'number': r'num|count|n'},
        'return list(np.linspace(np.array($start), np.array($end), $number))',
    ),
    _Idiom(
        r'get_(total|sum)',
        {'values': r'.*'},
        'return sum($values)',
    ),
)


def write_function(signature: str) -> str:
    """The definition of the function that a call or an assignment asks for.

    Raises:
        Refusal: the name says nothing that is known here.
    """
    name, parameters = _call(signature)
    for idiom in _IDIOMS:
        match = re.fullmatch(idiom.name, name)
        if match and (filled := _fill_roles(idiom.roles, parameters)) is not None:
            body = Template(idiom.body).substitute(filled | _derived(match.groupdict()))
            header = f'def {name}({", ".join(parameters)}):\n    '
            return header + body.replace('\n', '\n    ')
    raise Refusal(f'I do not know what {name}({", ".join(parameters)}) has to do.')


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
    return derived
