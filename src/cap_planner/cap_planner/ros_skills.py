"""The skill servers, through thin action clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import PoseStamped
from rclpy.node import Node

from cap_common.calls import ActionCaller
from cap_common.errors import LimitError, RobotFaultError, error_from_result
from cap_common.heartbeat import BeatMonitor
from cap_interfaces.action import Draw, Erase, MoveTo, Pick, PickPlace, Say
from cap_interfaces.msg import PhaseTime
from cap_interfaces.msg import Target as TargetMessage
from cap_planner.api.spec import Points, Target
from cap_planner.robot import ORDINARY, Manner

_SKILLS_NODE = 'skills'
_POLL_S = 0.02
_DISCOVERY_S = 5.0


class RosSkills:
    """See cap_planner.robot.Skills. Targets are stamped with the program's frame.

    Args:
        deadline_s: of one action, on the steady clock.
        silence_s: without a heartbeat of the skills node for so long, it is lost.
        settle_s: how long a call waits for its first heartbeat.
    """

    def __init__(
        self,
        node: Node,
        frame: str,
        beats: BeatMonitor,
        deadline_s: float,
        silence_s: float,
        settle_s: float,
    ) -> None:
        self._frame = frame
        self._beats = beats
        self._deadline_s = deadline_s
        self._silence_s = silence_s
        self._settle_s = settle_s
        self._pick_place = ActionCaller(node, PickPlace, 'pick_place', 'the skills node')
        self._pick = ActionCaller(node, Pick, 'pick', 'the skills node')
        self._move_to = ActionCaller(node, MoveTo, 'move_to', 'the skills node')
        self._draw = ActionCaller(node, Draw, 'draw', 'the skills node')
        self._erase = ActionCaller(node, Erase, 'erase', 'the skills node')
        self._say = ActionCaller(node, Say, 'say', 'the skills node')
        self.stopped: Callable[[], bool] = lambda: False
        self.phases: list[dict[str, Any]] = []

    def pick_place(self, first: Target, second: Target, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        goal = PickPlace.Goal(
            object=self._target(first), target=self._target(second), **_limits(manner)
        )
        self._call(self._pick_place, goal)

    def pick(self, obj: Target, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        self._call(self._pick, Pick.Goal(object=self._target(obj), **_limits(manner)))

    def move_to(self, target: Target, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        speed_scale = _limits(manner)['speed_scale']
        self._call(self._move_to, MoveTo.Goal(target=self._target(target), speed_scale=speed_scale))

    def draw(self, points: Points, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        self._call(self._draw, Draw.Goal(path=self._path(points), **_limits(manner)))

    def erase(self, points: Points, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        self._call(self._erase, Erase.Goal(path=self._path(points), **_limits(manner)))

    def look(self) -> None:
        """See Skills."""
        self._call(self._move_to, MoveTo.Goal(target=TargetMessage(name='park')))

    def say(self, text: str) -> None:
        """See Skills."""
        self._call(self._say, Say.Goal(text=text))

    def _call(self, caller: ActionCaller, goal: Any) -> None:
        self.phases = []
        self._await_node()
        self._await_server(caller)
        result = caller.call(
            goal, deadline_s=self._deadline_s, canceled=self.stopped, lost=self._lost
        )
        self.phases = [_phase(phase) for phase in getattr(result, 'phases', ())]
        error = error_from_result(result)
        if error is not None:
            raise error

    def _await_node(self) -> None:
        """A skills node that was just started again may not be heard yet."""
        deadline = time.monotonic() + self._settle_s
        pause = threading.Event()
        while self._lost() and not self.stopped() and time.monotonic() < deadline:
            pause.wait(_POLL_S)

    def _await_server(self, caller: ActionCaller) -> None:
        try:
            caller.wait_for_server(_DISCOVERY_S)
        except RobotFaultError as error:
            if self._lost():
                raise
            text = f'this robot has no skill {caller.name!r}: the skills node runs, and offers none'
            raise RobotFaultError(text) from error

    def _lost(self) -> str | None:
        return self._beats.lost(_SKILLS_NODE, self._silence_s)

    def _target(self, target: Target) -> TargetMessage:
        if isinstance(target, str):
            return TargetMessage(name=target, pose=self._pose(0.0, 0.0))
        return TargetMessage(pose=self._pose(*target))

    def _path(self, points: Points) -> list[PoseStamped]:
        return [self._pose(*point) for point in points]

    def _pose(self, x: float, y: float) -> PoseStamped:
        message = PoseStamped()
        message.header.frame_id = self._frame
        message.pose.orientation.w = 1.0
        message.pose.position.x, message.pose.position.y = float(x), float(y)
        return message


def _limits(manner: Manner) -> dict[str, float]:
    """The fields of a goal.

    Raises:
        LimitError: a field cannot tell it: 0, which there stands for what the robot is set up for,
            or more than a single-precision number holds.
    """
    for name, value in (('speed', manner.speed), ('force', manner.force)):
        if value is not None and not 1e-30 < abs(value) < 1e30:
            raise LimitError(f'{name} {value:g} is no {name} that a robot can move with')
    return {'speed_scale': manner.speed, 'force_limit': manner.force or 0.0}


def _phase(message: PhaseTime) -> dict[str, Any]:
    """Rounded to what a clock on such a machine tells."""
    times = {
        name: round(float(getattr(message, name)), 4)
        for name in ('planning_s', 'moving_s', 'waiting_s')
    }
    return {'name': message.name, **times}
