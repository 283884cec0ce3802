"""The colours that the system has names for. No ROS."""

from __future__ import annotations

# sRGB, 0 to 255. The ten colours of the published tabletop simulation: blocks and bowls have these.
PALETTE: dict[str, tuple[int, int, int]] = {
    'blue': (78, 121, 167),
    'red': (255, 87, 89),
    'green': (89, 169, 79),
    'orange': (242, 142, 43),
    'yellow': (237, 201, 72),
    'purple': (176, 122, 161),
    'pink': (255, 157, 167),
    'cyan': (118, 183, 178),
    'brown': (156, 117, 95),
    'gray': (186, 176, 172),
}
# All colours: those, and what other things need. A detector that looked for white and black among
# blocks would find lamps and shadows.
COLORS: dict[str, tuple[int, int, int]] = {
    **PALETTE,
    'white': (244, 240, 230),
    'black': (45, 45, 48),
}
