"""A dry-erase marker and a felt eraser on one holder, and the whiteboard for them.

The marker leaves ink where its nib touches the board, and nowhere else; the eraser takes away what
is under its felt while that touches the board.
"""

from __future__ import annotations

import mujoco
import numpy as np

from cap_sim.board import BOARD, TEXTURE
from cap_sim.ink import BOARD_COLOR, PIXEL, Ink
from cap_sim.parameters import Parameters
from cap_sim.slide import add_spring
from cap_sim.tool import ToolKind, ToolState

# The holder: it bears marker and eraser, so the force of either is felt.
_TIP = 'marker_tool_link'
_MARKER_SLIDE, _ERASER_SLIDE = 'marker_slide_joint', 'eraser_slide_joint'
_NIB, _ERASER = 'marker_nib', 'eraser_link'
# Springs [N/m], preloads [N] and what moves with the slide [kg]: 2 to 6 N draw, 3 to 9 N wipe.
_MARKER_SPRING = (267.0, 2.0, 0.031)
_ERASER_SPRING = (750.0, 3.0, 0.030)
# Felt gives way: on a hard tip that slides MuJoCo's contacts chatter.
_FELT = {'friction': [0.2, 0.005, 0.0001], 'solimp': [0.5, 0.9, 0.001, 0.5, 2.0]}
# A pad is taken to have wiped up to here until it has moved so far [m].
_WIPED = 0.0005


class Marker:
    """Marker, eraser and ink in a MuJoCo model; see Tool. There is nothing to command."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, parameters: Parameters) -> None:
        self.attach(model, data)
        width, height, _ = 2 * model.geom_size[self._board]
        self._ink = Ink((float(width), float(height)))
        self._wiped = np.full(3, np.inf)

    def attach(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """See Tool."""
        self._data = data
        self._board = _colliding_geom(model, BOARD)
        self._nib = _colliding_geom(model, _NIB)
        self._felt = _colliding_geom(model, _ERASER)
        self._eraser_body = model.body(_ERASER).id
        self._felt_radius = float(model.geom_size[self._felt, 0])
        board = model.body(BOARD).id
        self._origin, self._turn = data.xpos[board], data.xmat[board].reshape(3, 3)

    def command(self, position: float, max_effort: float) -> None:
        """See Tool: it has no motor."""

    def settled(self) -> bool:
        """See Tool."""
        return True

    @property
    def pull_n(self) -> float:
        """See Tool."""
        return 0.0

    @property
    def ink(self) -> Ink | None:
        """See Tool."""
        return self._ink

    @property
    def state(self) -> ToolState:
        """See Tool."""
        return ToolState()

    def look(self) -> None:
        """See Tool."""

    def step(self, dt: float) -> None:
        """See Tool."""
        contact = self._data.contact
        pairs = contact.geom
        on_board = (pairs == self._board).any(axis=1)
        drawn = np.flatnonzero(on_board & (pairs == self._nib).any(axis=1))
        if len(drawn):
            x, y, _ = (contact.pos[drawn[0]] - self._origin) @ self._turn
            self._ink.touch(float(x), float(y))
        else:
            self._ink.lift()
        if (on_board & (pairs == self._felt).any(axis=1)).any():
            self._wipe()
        else:
            self._wiped[:] = np.inf

    def _wipe(self) -> None:
        center = (self._data.xpos[self._eraser_body] - self._origin) @ self._turn
        if np.abs(center - self._wiped).max() < _WIPED:
            return
        self._wiped = center
        normal = self._data.xmat[self._eraser_body].reshape(3, 3)[:, 2] @ self._turn
        self._ink.wipe(center, normal, self._felt_radius)


def _colliding_geom(model: mujoco.MjModel, name: str) -> int:
    """The one geom of a link that collides."""
    body = model.body(name)
    geoms = range(body.geomadr[0], body.geomadr[0] + body.geomnum[0])
    return next(geom for geom in geoms if model.geom_contype[geom])


def _add(spec: mujoco.MjSpec, parameters: Parameters) -> None:
    add_spring(spec.joint(_MARKER_SLIDE), *_MARKER_SPRING)
    add_spring(spec.joint(_ERASER_SLIDE), *_ERASER_SPRING)
    for name in (_NIB, _ERASER):
        for geom in spec.body(name).geoms:
            geom.friction, geom.solimp = _FELT['friction'], _FELT['solimp']
            # Whatever it touches.
            geom.priority = 1
    _add_texture(spec)


def _add_texture(spec: mujoco.MjSpec) -> None:
    """What is seen of the board is a picture, into which the ink comes (camera.View)."""
    seen = next(geom for geom in spec.body(BOARD).geoms if not geom.contype)
    width, height = (round(2 * half / PIXEL) for half in seen.size[:2])
    white = [channel / 255 for channel in BOARD_COLOR]
    spec.add_texture(
        name=TEXTURE,
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=white,
        rgb2=white,
        width=width,
        height=height,
    )
    material = spec.add_material(name=TEXTURE, specular=0.0, shininess=0.0)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = TEXTURE
    seen.material = TEXTURE
    seen.rgba = [1, 1, 1, 1]


MARKER = ToolKind(_TIP, _add, Marker)
