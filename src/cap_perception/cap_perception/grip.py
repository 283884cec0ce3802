"""Which object the gripper holds, and where that takes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cap_common.frames import Matrix
from cap_perception.track import Track
from cap_perception.types import HeldPose, Observation

_REACH = 0.02  # [m] from a thing's box; so near is the tool that takes it
# Between two pictures it may have been lifted: so far straight up, from a thing out of sight [m].
_LIFTED, _ASIDE = 0.12, 0.01
# Taken by the rim: a tool in the middle of it is at something else.
_HOLLOW = ('bowl',)


class Grip:
    """Follows the tool from picture to picture; what it holds goes along.

    Attributes:
        track: None: it holds nothing, or nothing that is known.
    """

    def __init__(self) -> None:
        self.track: Track | None = None
        self._tool_from_box: Matrix = np.eye(4)
        self._was_holding = False
        self._before: Observation | None = None

    def follow(self, held: HeldPose | None, tracks: Sequence[Track], stamp_ns: int) -> None:
        """Move what is held with the tool.

        Args:
            held: None: nothing is held, or nobody knows.
            tracks: as the picture before saw them.
        """
        if held is None:
            self.track, self._was_holding = None, False
            return
        if self.track is None:
            self.track = self._taken(held.workspace_from_tool[:3, 3], tracks)
            self.hold(held)
        self._was_holding = True
        if self.track is not None:
            self.track.move(held.workspace_from_tool @ self._tool_from_box)
            self.track.stamp_ns, self.track.moving, self.track.empty = stamp_ns, 0, 0

    def hold(self, held: HeldPose | None) -> None:
        """What is held is at its place in the tool: it was seen there."""
        if self.track is not None and held is not None:
            tool_from_workspace = np.linalg.inv(held.workspace_from_tool)
            self._tool_from_box = tool_from_workspace @ self.track.last.workspace_from_box

    def is_refuted_by(self, seen: Observation) -> bool:
        """Is what is said to be held seen at the place from which it was taken?"""
        if self.track is None or self._before is None:
            return False
        way = (seen.workspace_from_box - self._before.workspace_from_box)[:3, 3]
        return float(np.linalg.norm(way)) < _REACH < self.track.distance(seen)

    def give_back(self) -> None:
        """What was taken for held has stayed where it was."""
        if self.track is not None and self._before is not None:
            self.track.last, self.track = self._before, None

    def _taken(self, tip: NDArray[np.float64], tracks: Sequence[Track]) -> Track | None:
        """The one next to the tool's working point (3,); None: there is none."""
        way = {track: _way_to(tip, track) for track in tracks}
        near = [track for track in tracks if np.linalg.norm(way[track]) < _REACH]
        lifted = [
            track
            for track in tracks
            if not (self._was_holding or track.visible)
            and np.hypot(*way[track][:2]) < _ASIDE
            and 0 < way[track][2] < _LIFTED
        ]
        track = min(near or lifted, key=lambda t: np.linalg.norm(way[t]), default=None)
        self._before = None if track is None else track.last
        if track is not None and not near:
            moved = track.last.workspace_from_box.copy()
            moved[:3, 3] += way[track]
            track.move(moved)
        return track


def _way_to(point: NDArray[np.float64], track: Track) -> NDArray[np.float64]:
    """From the nearest point of its box, or of its rim, to a point (3,) [m]; inside, 0."""
    matrix, half = track.last.workspace_from_box, 0.5 * np.array(track.last.size)
    local = (point - matrix[:3, 3]) @ matrix[:3, :3]
    nearest = np.clip(local, -half, half)
    if track.last.class_name in _HOLLOW:
        nearest = half * [*(local[:2] / max(float(np.hypot(*local[:2])), 1e-9)), 1.0]
    way: NDArray[np.float64] = matrix[:3, :3] @ (local - nearest)
    return way
