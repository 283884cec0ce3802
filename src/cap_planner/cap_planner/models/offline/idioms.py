"""What functions of the tabletop do whose names say it: selection, positions, moving. No ROS."""

from __future__ import annotations

from cap_planner.models.offline.idiom import Idiom

_POINTS = {'points': r'points|positions|pts'}
_POINT = {'point': r'point|pos|pt|position|center'}
_NAMES = {'names': r'names|objects|objs'}
_POS = {'pos': r'pos|point|position|center'}
_SIDE = r'(?P<side>left|right|top|bottom)'

IDIOMS = (
    Idiom(
        rf'get_{_SIDE}_?most_(idx|index)(_np)?',
        _POINTS,
        'return int(np.$arg(np.array($points)[:, $axis]))',
    ),
    Idiom(
        r'get_(?P<near>closest|nearest|farthest|furthest)_(idx|index)(_np)?',
        {**_POINTS, **_POINT},
        'distances = np.linalg.norm(np.array($points) - np.array($point), axis=1)\n'
        'return int(np.$nearest(distances))',
    ),
    Idiom(
        rf'get_{_SIDE}_?most_(obj_|object_)?name',
        _NAMES,
        'positions = get_obj_positions(obj_names=$names)\n'
        'return $names[get_${side}_most_idx(points=positions)]',
    ),
    Idiom(
        r'get_(obj_|object_)?positions(_np)?',
        _NAMES,
        'return [get_obj_pos(name) for name in $names]',
    ),
    Idiom(
        rf'sort_(obj_|object_)?names_from_{_SIDE}',
        _NAMES,
        'coordinates = [get_obj_pos(name)[$axis] for name in $names]\n'
        'return [$names[i] for i in np.argsort(${sign}np.array(coordinates))]',
    ),
    Idiom(
        r'sort_(obj_|object_)?names_from_(?P<near>closest|nearest|farthest|furthest)',
        {**_NAMES, **_POINT},
        'distances = [np.linalg.norm(get_obj_pos(name) - np.array($point)) for name in $names]\n'
        'return [$names[i] for i in np.argsort(${near_sign}np.array(distances))]',
    ),
    Idiom(
        r'get_(?P<size>biggest|largest|smallest)_(obj_|object_)?name',
        _NAMES,
        'areas = [get_bbox_area(bbox=get_bbox(name)) for name in $names]\n'
        'return $names[int(np.$size_arg(areas))]',
    ),
    Idiom(
        r'get_bbox_area',
        {'bbox': r'b?box'},
        'x_min, y_min, x_max, y_max = $bbox\nreturn (x_max - x_min) * (y_max - y_min)',
    ),
    Idiom(
        r'stack_(objects|objs|blocks)(_in_order)?',
        _NAMES,
        'for lower_name, upper_name in zip($names, $names[1:]):\n'
        '    put_first_on_second(upper_name, lower_name)',
    ),
    Idiom(
        r'(put|stack)_(objects|objs)_(at|on)_pos(ition)?',
        {**_NAMES, **_POS},
        '# The first one goes to the position, the others land on top of it; who is there stays.\n'
        'for name in $names:\n'
        '    if np.linalg.norm(get_obj_pos(name) - np.array($pos)) > 0.02:\n'
        '        put_first_on_second(name, $pos)\n'
        '    else:\n'
        "        say(f'The {name} is there already.')",
    ),
    Idiom(
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
    Idiom(
        r'swap_(objects|objs)',
        {'first': r'first|a|1', 'second': r'second|b|2', 'free': r'free|pos|temp'},
        'first_pos, second_pos = get_obj_pos($first), get_obj_pos($second)\n'
        'put_first_on_second($first, $free)\n'
        'put_first_on_second($second, first_pos)\n'
        'put_first_on_second($first, second_pos)',
    ),
    Idiom(
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
    Idiom(
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
    Idiom(
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
    Idiom(
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
    Idiom(
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
    Idiom(
        r'get_circle_positions|make_circle_positions',
        {'center': r'cent|pos', 'number': r'num|count|n', 'radius': r'rad'},
        'angles = np.linspace(0, 2 * np.pi, $number, endpoint=False)\n'
        'return [\n'
        '    np.array($center) + $radius * np.array([np.cos(angle), np.sin(angle)])\n'
        '    for angle in angles\n'
        ']',
    ),
    Idiom(
        r'interpolate_(positions|points|pts)(_np)?',
        {'start': r'start|first', 'end': r'end|last', 'number': r'num|count|n'},
        'return list(np.linspace(np.array($start), np.array($end), $number))',
    ),
    Idiom(
        r'get_(total|sum)',
        {'values': r'.*'},
        'return sum($values)',
    ),
    Idiom(
        r'get_(?P<light>darkest|brightest)_(obj_|object_)?name',
        _NAMES,
        'lights = [sum(get_color(name)[:3]) for name in $names]\n'
        'return $names[int(np.$light_arg(lights))]',
    ),
    Idiom(
        r'move_(objects|objs)_to_positions',
        {**_NAMES, **_POINTS},
        'if len($names) > len($points):\n'
        '    raise LocationNotFoundError(\n'
        "        f'{len($names)} objects need as many places, and there are {len($points)}'\n"
        '    )\n'
        'low, high = denormalize_xy([0, 0]) - 0.05, denormalize_xy([1, 1]) + 0.05\n'
        'targets = {name: np.array(pos) for name, pos in zip($names, $points)}\n'
        'for name, pos in targets.items():\n'
        '    if np.any(pos < low) or np.any(pos > high):\n'
        "        raise LimitError(f'the {name} would leave the table, at {np.round(pos, 3)}')\n"
        'boxes = {name: np.array(get_bbox(name)) for name in get_obj_names()}\n'
        'centers = {name: (box[:2] + box[2:]) / 2 for name, box in boxes.items()}\n'
        'halves = {name: (box[2:] - box[:2]) / 2 for name, box in boxes.items()}\n'
        '\n'
        'def touches(name, pos, other, other_pos, gap=0.008):\n'
        '    reach = halves[name] + halves[other] + gap\n'
        '    offset = np.abs(pos - other_pos)\n'
        '    # Boxes overlap, and circles a little wider: a bowl has no corners.\n'
        '    return np.all(offset < reach) and np.linalg.norm(offset) < np.max(reach) + 0.005\n'
        '\n'
        'waiting = []\n'
        'for name, pos in targets.items():\n'
        '    if np.linalg.norm(centers[name] - pos) > 0.01:\n'
        '        waiting.append(name)\n'
        '    else:\n'
        "        say(f'The {name} is there already.')\n"
        'for name in waiting:\n'
        '    for other in boxes:\n'
        '        taken = targets[other] if other in waiting else centers[other]\n'
        '        if other != name and touches(name, targets[name], other, taken):\n'
        '            raise LocationNotFoundError(\n'
        "                f'the {other} would be in the way of the {name}'\n"
        '            )\n'
        '# Who blocks a target goes first; where they block each other, one steps aside.\n'
        'for _ in range(2 * len(waiting)):\n'
        '    if not waiting:\n'
        '        break\n'
        '    blockers = {\n'
        '        name: [\n'
        '            other for other in waiting\n'
        '            if other != name\n'
        '            and touches(name, targets[name], other, centers[other])\n'
        '        ]\n'
        '        for name in waiting\n'
        '    }\n'
        '    name = waiting[0]\n'
        '    for _ in waiting:\n'
        '        name = blockers[name][0] if blockers[name] else name\n'
        '    goal = targets[name]\n'
        '    if blockers[name]:\n'
        '        spots = [\n'
        '            np.array([x, y])\n'
        '            for x in np.linspace(low[0] + 0.05, high[0] - 0.05, 13)\n'
        '            for y in np.linspace(low[1] + 0.05, high[1] - 0.05, 13)\n'
        '        ]\n'
        '        spots = [\n'
        '            spot for spot in spots\n'
        '            if not any(\n'
        '                touches(name, spot, other, pos, gap=0.015)\n'
        '                for other in boxes\n'
        '                for pos in [centers[other], targets.get(other, centers[other])]\n'
        '            )\n'
        '        ]\n'
        '        if not spots:\n'
        '            raise LocationNotFoundError(\n'
        "                f'there is no room for the {name} to step aside'\n"
        '            )\n'
        '        ways = [np.linalg.norm(spot - centers[name]) for spot in spots]\n'
        '        goal = spots[int(np.argmin(ways))]\n'
        '    else:\n'
        '        waiting.remove(name)\n'
        '    put_first_on_second(name, goal)\n'
        '    centers[name] = goal',
    ),
    Idiom(
        r'rotate_(positions|points|pts)_around_center',
        {**_POINTS, 'angle': r'angle|deg'},
        'points = np.array($points)\n'
        'center = np.mean(points, axis=0)\n'
        'cos, sin = np.cos(np.deg2rad($angle)), np.sin(np.deg2rad($angle))\n'
        'return list(center + (points - center) @ np.array([[cos, sin], [-sin, cos]]))',
    ),
    Idiom(
        r'scale_(positions|points|pts)_around_center',
        {**_POINTS, 'factor': r'factor|scale'},
        'center = np.mean(np.array($points), axis=0)\n'
        'return list(center + $factor * (np.array($points) - center))',
    ),
    Idiom(
        r'flip_(positions|points|pts)_(?P<flip>horizontally|vertically)',
        _POINTS,
        'center = np.mean(np.array($points), axis=0)\n'
        'return list(center + (np.array($points) - center) * np.array($flip_signs))',
    ),
    Idiom(
        r'get_polygon_positions',
        {
            'center': r'cent|pos',
            'number': r'num_points|count|n$',
            'sides': r'num_sides|sides',
            'length': r'length|size|side_',
            'angle': r'angle|deg',
        },
        '# Evenly along the outline, clockwise from a corner at the top.\n'
        'turn = np.pi / $sides if $sides % 2 == 0 else 0\n'
        'angles = np.pi / 2 + turn - 2 * np.pi * np.arange($sides + 1) / $sides\n'
        'angles = angles + np.deg2rad($angle)\n'
        'radius = $length / 2 / np.sin(np.pi / $sides)\n'
        'corners = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)\n'
        'where = np.arange($number) * $sides / $number\n'
        'first = np.floor(where + 1e-9).astype(int)\n'
        'part = (where - first)[:, None]\n'
        'offsets = corners[first] * (1 - part) + corners[first + 1] * part\n'
        'return [np.array($center) + offset for offset in offsets]',
    ),
    Idiom(
        r'sort_(positions|points|pts)_(?P<turn>clockwise|counterclockwise)',
        {**_POINTS, 'start': r'start|first'},
        'points = np.array($points)\n'
        'offsets = points - np.mean(points, axis=0)\n'
        'first = int(np.argmin(np.linalg.norm(points - np.array($start), axis=1)))\n'
        'angles = np.arctan2(offsets[:, 1], offsets[:, 0])\n'
        'order = np.argsort(np.mod($turn_sign(angles - angles[first]) + 1e-6, 2 * np.pi))\n'
        'return [points[i] for i in order]',
    ),
    Idiom(
        r'choose_different_names',
        {'options': r'.*'},
        '# One of each list, and no name twice as long as there is another way.\n'
        'owners = {}\n'
        '\n'
        'def give(index, seen):\n'
        '    for name in $options[index]:\n'
        '        if name not in seen:\n'
        '            seen.append(name)\n'
        '            if name not in owners or give(owners[name], seen):\n'
        '                owners[name] = index\n'
        '                return True\n'
        '    return False\n'
        '\n'
        'chosen = []\n'
        'for index in range(len($options)):\n'
        '    give(index, [])\n'
        '    chosen.append($options[index][0])\n'
        'for name, index in owners.items():\n'
        '    chosen[index] = name\n'
        'return chosen',
    ),
)
"""In the order in which they are tried."""
