"""Where frames that move were at the time of a picture. No ROS."""

from __future__ import annotations

import threading
import time
from collections import deque

import numpy as np
from transforms3d.quaternions import mat2quat, quat2mat

from cap_common.frames import FrameTree, Matrix, UnknownFrameError

_KEPT = 500  # of each edge: ten seconds at 50 Hz


class FrameHistory:
    """The transforms that /tf has told of. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._edges: dict[tuple[str, str], deque[tuple[int, Matrix]]] = {}

    def add(self, parent: str, child: str, stamp_ns: int, parent_from_child: Matrix) -> None:
        """Add what holds at a time; a time before the last one means that the clock began anew."""
        with self._changed:
            edge = self._edges.setdefault((parent, child), deque(maxlen=_KEPT))
            if edge and stamp_ns < edge[-1][0]:
                edge.clear()
            edge.append((stamp_ns, parent_from_child))
            self._changed.notify_all()

    def lookup(
        self, target: str, source: str, stamp_ns: int, fixed: FrameTree, timeout_s: float
    ) -> Matrix:
        """target_from_source at a time, between two that were told of, on top of what is fixed.

        Args:
            timeout_s: how long it is waited for transforms of that time.

        Raises:
            UnknownFrameError: the two are not connected at that time.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                tree, late = fixed.copy(), []
                for (parent, child), edge in self._edges.items():
                    if edge[0][0] <= stamp_ns <= edge[-1][0]:
                        tree.add(parent, child, _between(edge, stamp_ns))
                    elif stamp_ns > edge[-1][0]:
                        late.append(child)
                try:
                    return tree.lookup(target, source)
                except UnknownFrameError as error:
                    left = deadline - time.monotonic()
                    if not late:
                        raise
                    if left <= 0:
                        raise UnknownFrameError(
                            f'{error}; of {sorted(late)} nothing so new is known'
                        ) from None
                    self._changed.wait(left)


def _between(edge: deque[tuple[int, Matrix]], stamp_ns: int) -> Matrix:
    """The transform at a time that is not before the first and not after the last."""
    after = next(index for index, (at, _) in enumerate(edge) if at >= stamp_ns)
    (end_ns, end), (begin_ns, begin) = edge[after], edge[max(after - 1, 0)]
    if end_ns == stamp_ns:
        return end
    share = (stamp_ns - begin_ns) / (end_ns - begin_ns)
    first, second = mat2quat(begin[:3, :3]), mat2quat(end[:3, :3])
    if first @ second < 0:
        second = -second
    # The steps are small: along the chord is along the arc.
    quaternion = (1 - share) * first + share * second
    matrix = np.eye(4)
    matrix[:3, :3] = quat2mat(quaternion / np.linalg.norm(quaternion))
    matrix[:3, 3] = (1 - share) * begin[:3, 3] + share * end[:3, 3]
    return matrix
