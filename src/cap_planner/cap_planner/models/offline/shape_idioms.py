"""What functions of the whiteboard do whose names say it: points of shapes. No ROS."""

from __future__ import annotations

from cap_planner.models.offline.idiom import Idiom

_CENTER = {'center': r'cent|pos|middle'}
_POINTS = {'points': r'points|positions|pts'}

SHAPE_IDIOMS = (
    Idiom(
        r'(make|get)_regular_polygon_(pts|points)',
        {**_CENTER, 'sides': r'num|sides|n$', 'length': r'side|length'},
        '# One side lies at the bottom.\n'
        'radius = $length / 2 / np.sin(np.pi / $sides)\n'
        'angles = -np.pi / 2 + np.pi / $sides + 2 * np.pi * np.arange($sides + 1) / $sides\n'
        'return np.array($center) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)',
    ),
    Idiom(
        r'(make|get)_regular_polygon_positions|get_regular_polygon_positions',
        {**_CENTER, 'number': r'num|n$', 'radius': r'rad'},
        'angles = np.pi / 2 - 2 * np.pi * np.arange($number) / $number\n'
        'circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)\n'
        'return list(np.array($center) + $radius * circle)',
    ),
    Idiom(
        r'(make|get)_circle_(pts|points)',
        {**_CENTER, 'radius': r'rad'},
        'angles = np.linspace(0, 2 * np.pi, max(13, int(2 * np.pi * $radius / 0.008)))\n'
        'circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)\n'
        'return np.array($center) + $radius * circle',
    ),
    Idiom(
        r'(make|get)_(ellipse|oval)_(pts|points)',
        {**_CENTER, 'width': r'width', 'height': r'height'},
        'angles = np.linspace(0, 2 * np.pi, max(13, int(np.pi * max($width, $height) / 0.008)))\n'
        'circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)\n'
        'return np.array($center) + circle * np.array([$width / 2, $height / 2])',
    ),
    Idiom(
        r'(make|get)_rectangle_(pts|points)',
        {**_CENTER, 'width': r'width', 'height': r'height'},
        'corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) / 2\n'
        'return np.array($center) + corners * np.array([$width, $height])',
    ),
    Idiom(
        r'(make|get)_star_(pts|points)',
        {**_CENTER, 'number': r'num|n$', 'radius': r'rad'},
        'angles = np.pi / 2 + np.pi * np.arange(2 * $number + 1) / $number\n'
        'radii = $radius * np.where(np.arange(2 * $number + 1) % 2 == 0, 1, 0.4)\n'
        'rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)\n'
        'return np.array($center) + radii[:, None] * rays',
    ),
    Idiom(
        r'(make|get)_spiral_(pts|points)',
        {**_CENTER, 'radius': r'rad', 'turns': r'turn'},
        'parts = np.linspace(0, 1, max(20, int(100 * $turns * $radius / 0.05)))\n'
        'angles = 2 * np.pi * $turns * parts\n'
        'rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)\n'
        'return np.array($center) + $radius * parts[:, None] * rays',
    ),
    Idiom(
        r'(make|get)_wave_(pts|points)',
        {**_CENTER, 'width': r'width|length', 'height': r'height', 'number': r'num|n$'},
        'parts = np.linspace(0, 1, max(20, 16 * int($number)))\n'
        'x = (parts - 0.5) * $width\n'
        'y = $height / 2 * np.sin(2 * np.pi * $number * parts)\n'
        'return np.array($center) + np.stack([x, y], axis=1)',
    ),
    Idiom(
        r'(make|get)_line_(pts|points)',
        {**_CENTER, 'length': r'length', 'angle': r'angle|deg'},
        'angle = np.deg2rad($angle)\n'
        'half = $length / 2 * np.array([np.cos(angle), np.sin(angle)])\n'
        'return np.array([np.array($center) - half, np.array($center) + half])',
    ),
    Idiom(
        r'get_radius_around_bbox',
        {'bbox': r'b?box', 'margin': r'margin|gap'},
        'x_min, y_min, x_max, y_max = $bbox\n'
        'return np.hypot(x_max - x_min, y_max - y_min) / 2 + $margin',
    ),
    Idiom(
        r'get_center_of_(pts|points)',
        _POINTS,
        'points = np.array($points)\n'
        'lengths = np.linalg.norm(points[1:] - points[:-1], axis=1)[:, None]\n'
        'return np.sum(lengths * (points[1:] + points[:-1]) / 2, axis=0) / np.sum(lengths)',
    ),
    Idiom(
        r'scale_(pts|points)',
        {**_POINTS, 'factor': r'factor|scale', **_CENTER},
        'return np.array($center) + $factor * (np.array($points) - np.array($center))',
    ),
    Idiom(
        r'rotate_(pts|points)',
        {**_POINTS, 'angle': r'angle|deg', **_CENTER},
        'cos, sin = np.cos(np.deg2rad($angle)), np.sin(np.deg2rad($angle))\n'
        'offsets = np.array($points) - np.array($center)\n'
        'return np.array($center) + offsets @ np.array([[cos, sin], [-sin, cos]])',
    ),
    Idiom(
        r'flip_(pts|points)_(?P<flip>horizontally|vertically)',
        {**_POINTS, **_CENTER},
        'return np.array($center) + (np.array($points) - np.array($center)) * '
        'np.array($flip_signs)',
    ),
)
"""In the order in which they are tried."""
