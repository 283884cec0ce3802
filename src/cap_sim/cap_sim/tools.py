"""The kinds of tools that there are. No ROS."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from cap_sim.jaw import JAW
from cap_sim.marker import MARKER
from cap_sim.suction import SUCTION
from cap_sim.tool import ToolKind

_KINDS = (SUCTION, JAW, MARKER)


def tool_kind(urdf: str) -> ToolKind:
    """The tool that a description has.

    Raises:
        LookupError: none of those that are known.
    """
    links = {link.attrib['name'] for link in ET.fromstring(urdf).findall('link')}
    for kind in _KINDS:
        if kind.tip in links:
            return kind
    raise LookupError(f'the URDF has no tool: none of {", ".join(k.tip for k in _KINDS)}')
