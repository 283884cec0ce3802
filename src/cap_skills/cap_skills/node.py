"""skills_node: an action server for each skill that the tool on the arm allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PoseStamped
from rclpy.action import CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import String

from cap_common.ears import Ears
from cap_common.errors import CapError, error_code
from cap_common.frames import Matrix
from cap_common.heartbeat import Beat, BeatMonitor
from cap_common.parameters import load_parameters
from cap_common.perception_status import PerceptionStatus
from cap_common.qos import BEAT, LATCHED
from cap_common.spin import run_node
from cap_interfaces.action import Draw, Erase, Home, MoveTo, Pick, PickPlace, Place, Say
from cap_interfaces.msg import Lease, PhaseTime, Scene, SceneObject
from cap_skills import model
from cap_skills.action_server import AnsweringActionServer
from cap_skills.arm import Arm
from cap_skills.call import Call
from cap_skills.cell_frames import WORKSPACE, CellFrames
from cap_skills.model import SceneView
from cap_skills.parameters import (
    SkillsParameters,
    make_drawing,
    make_hand,
    motion_limits,
    work_area,
)
from cap_skills.phases import PHASE_FIELDS
from cap_skills.planner import EmbeddedPlanner
from cap_skills.robot_model import robot_model
from cap_skills.ros_robot import RosRobot
from cap_skills.skills import Skills
from cap_skills.watch import Watch

# How long a skill may take to end when the node ends, and then its result to go out [s].
_BRAKE_S = 3.0
_ANSWER_S = 2.0
# What went out arrives while the node looks so often for so long [s]. Not one long look: a machine
# that stands still in it leaves no time at all.
_LAST_LOOKS = 5
_LOOK_S = 0.05


# Action type, name, and what carries a goal out.
_Skill = tuple[Any, str, Callable[[ServerGoalHandle], Any]]


class SkillsNode(Node):
    """One arm, one goal at a time."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('skills', **kwargs)
        self._settings = load_parameters(self, SkillsParameters)
        urdf = self._settings.robot_description
        self._frames = CellFrames(urdf)
        cell = robot_model(urdf)
        ears = self._ears = Ears(self)
        self._robot = RosRobot(
            self,
            ears,
            self._settings.robot_silence_s,
            self._settings.slowest_real_time_factor,
            has_cup=cell.cup_radius > 0,
            fingers=cell.fingers,
        )
        steps = self._settings.steps
        planner = EmbeddedPlanner(
            cell, motion_limits(self._settings, cell), self._settings.planning
        )
        arm = Arm(self._robot, make_hand(self._settings, cell), planner, steps)
        area = work_area(self._settings, self._frames.base_from_workspace)
        self._skills = Skills(arm, self._scene_view, steps, area)
        self._drawing = make_drawing(
            self._settings, cell, arm, lambda: self._skills.require_scene().items
        )
        planner.warm_up(steps.park)
        silence_s = self._settings.lease_silence_s
        self._beats = BeatMonitor(ears.listen)
        self._watch = Watch(
            silence_s,
            self._settings.scene_silence_s,
            lambda: self._beats.lost('guard', silence_s),
            PerceptionStatus(ears.listen).why_lost,
        )
        self._lock = threading.Lock()
        self._scene: Scene | None = None
        self._arm = threading.Lock()
        self._is_ending = False  # the arm is free already, and its last goal has not ended yet
        self._canceled: set[bytes] = set()
        ears.listen(Scene, 'scene', self._on_scene, LATCHED)
        ears.listen(Lease, 'lease', self._on_lease, BEAT)
        ears.start()
        self._speech = self.create_publisher(String, 'speech', 10)
        self._held = self.create_publisher(SceneObject, 'held_object', LATCHED)
        self._told_held: model.Held | None = None
        self._held.publish(SceneObject())  # what one that died may have held is anybody's guess
        self._servers = [
            self._serve(kind, name, execute, self._take_arm)
            for kind, name, execute in self._moving_skills()
        ]
        self._servers.append(self._serve(Say, 'say', self._say, lambda _: GoalResponse.ACCEPT))
        self._beat = Beat(self, lambda: self._robot.heard_all() and self._watch.has_scene())

    def close(self) -> None:
        """Brake, then end the action servers and the listening thread."""
        self._watch.end('skills_node ends')
        # The skill brakes in its own thread; the answers that it waits for come over this one.
        self._spin_while(self._is_busy, _BRAKE_S)
        self._spin_while(lambda: any(server.owes_result() for server in self._servers), _ANSWER_S)
        for _ in range(_LAST_LOOKS):
            self.executor.spin_once(timeout_sec=_LOOK_S)
        self._ears.close()
        self._beats.close()
        for server in self._servers:
            server.destroy()

    def _spin_while(self, condition: Callable[[], bool], most_s: float) -> None:
        deadline = time.monotonic() + most_s
        while condition() and self.context.ok() and time.monotonic() < deadline:
            self.executor.spin_once(timeout_sec=_LOOK_S)

    def _is_busy(self) -> bool:
        return self._arm.locked() or self._is_ending

    # Action servers ------------------------------------------------------------------------------

    def _serve(
        self,
        kind: Any,
        name: str,
        execute: Callable[[ServerGoalHandle], Any],
        accept: Callable[[Any], GoalResponse],
    ) -> AnsweringActionServer:
        return AnsweringActionServer(
            self,
            kind,
            name,
            execute_callback=execute,
            goal_callback=accept,
            cancel_callback=self._cancel,
            callback_group=ReentrantCallbackGroup(),
        )

    def _cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        """Brake at once: rclpy notes the cancellation later, and the skill looks now and then."""
        self._canceled.add(bytes(handle.goal_id.uuid))
        self._robot.wake()
        return CancelResponse.ACCEPT

    def _moving_skills(self) -> list[_Skill]:
        skills: list[_Skill] = [
            (MoveTo, 'move_to', self._move_to),
            (Home, 'home', self._home),
        ]
        if self._drawing is None:
            skills += [
                (Pick, 'pick', self._pick),
                (Place, 'place', self._place),
                (PickPlace, 'pick_place', self._pick_place),
            ]
        else:
            skills += [(Draw, 'draw', self._draw), (Erase, 'erase', self._erase)]
        return skills

    def _take_arm(self, _: Any) -> GoalResponse:
        """A second goal on a busy arm is rejected."""
        return GoalResponse.ACCEPT if self._arm.acquire(blocking=False) else GoalResponse.REJECT

    def _pick(self, handle: ServerGoalHandle) -> Pick.Result:
        def run(goal: Any, result: Any, call: Call) -> None:
            grasp = self._skills.pick(self._frames.place(goal.object, 'the object'), call)
            result.grasp = self._stamped(grasp)

        return self._with_arm(handle, Pick, run)

    def _place(self, handle: ServerGoalHandle) -> Place.Result:
        def run(goal: Any, result: Any, call: Call) -> None:
            placed = self._skills.place(self._frames.place(goal.target, 'the target'), call)
            result.placed = self._stamped(placed)

        return self._with_arm(handle, Place, run)

    def _pick_place(self, handle: ServerGoalHandle) -> PickPlace.Result:
        def run(goal: Any, result: Any, call: Call) -> None:
            grasp, placed = self._skills.pick_place(
                self._frames.place(goal.object, 'the object'),
                self._frames.place(goal.target, 'the target'),
                call,
            )
            result.grasp, result.placed = self._stamped(grasp), self._stamped(placed)

        return self._with_arm(handle, PickPlace, run)

    def _move_to(self, handle: ServerGoalHandle) -> MoveTo.Result:
        def run(goal: Any, result: Any, call: Call) -> None:
            target = self._frames.place(goal.target, 'the target')
            result.reached = self._stamped(self._skills.move_to(target, goal.height, call))

        return self._with_arm(handle, MoveTo, run)

    def _home(self, handle: ServerGoalHandle) -> Home.Result:
        def run(goal: Any, result: Any, call: Call) -> None:
            result.reached = self._stamped(self._skills.home(call))

        return self._with_arm(handle, Home, run)

    def _draw(self, handle: ServerGoalHandle) -> Draw.Result:
        def run(goal: Any, result: Any, call: Call) -> None:
            assert self._drawing is not None
            result.max_deviation = self._drawing.draw(self._frames.on_board(goal.path), call)

        return self._with_arm(handle, Draw, run)

    def _erase(self, handle: ServerGoalHandle) -> Erase.Result:
        def run(goal: Any, result: Any, call: Call) -> None:
            assert self._drawing is not None
            self._drawing.erase(self._frames.on_board(goal.path), call)

        return self._with_arm(handle, Erase, run)

    def _with_arm(
        self, handle: ServerGoalHandle, kind: Any, run: Callable[[Any, Any, Call], None]
    ) -> Any:
        """Run a skill and fill its result; only then the goal ends, and the arm is free before.

        Args:
            run: carries out a goal, and fills what its result has beside code, text and phases.
        """
        started = time.monotonic()
        result, call = kind.Result(), self._call(handle, kind)
        try:
            self._watch.settle(self._settings.settle_s, self._skills.require_scene)
            run(handle.request, result, call)
        except CapError as error:
            result.error_code, result.error_msg = error_code(result, error), str(error)
        except Exception as error:
            self.get_logger().error(f'{type(error).__name__}: {error}')
            result.error_code = result.ROBOT_FAULT
            result.error_msg = f'a fault of skills_node: {type(error).__name__}: {error}'
        finally:
            result.phases = [
                PhaseTime(**{name: getattr(phase, name) for name in PHASE_FIELDS})
                for phase in call.phases.all
            ]
            self._tell_held()
            self._is_ending = True
            self._arm.release()
        name = type(handle.request).__name__.removesuffix('_Goal')
        if result.error_code:
            self.get_logger().warning(f'{name}: {result.error_msg}')
        else:
            self.get_logger().info(f'{name} done in {time.monotonic() - started:.1f} s')
        _end(handle, result)
        self._canceled.discard(bytes(handle.goal_id.uuid))
        self._is_ending = False
        return result

    def _tell_held(self) -> None:
        """Latch what hangs on the cup; an empty name: nothing. The camera seldom sees it there."""
        message = SceneObject()
        held = self._skills.held
        if held is self._told_held:
            return
        self._told_held = held
        if held is not None:
            item = held.item
            message.name, message.class_name = item.name, item.class_name
            message.pose = self._frames.in_workspace(item.pose)
            message.size.x, message.size.y, message.size.z = map(float, item.size)
        self._held.publish(message)

    def _say(self, handle: ServerGoalHandle) -> Say.Result:
        result = Say.Result()
        text = handle.request.text
        if not text.strip() or len(text) > self._settings.max_say_chars:
            result.error_code = Say.Result.INVALID_GOAL
            result.error_msg = (
                f'a text of {len(text)} characters cannot be said: '
                f'1 to {self._settings.max_say_chars} can'
            )
        else:
            self._speech.publish(String(data=text))
            self.get_logger().info(f'says: {text}')
        _end(handle, result)
        self._canceled.discard(bytes(handle.goal_id.uuid))
        return result

    def _call(self, handle: ServerGoalHandle, kind: Any) -> Call:
        def tell(text: str) -> None:
            # Every grasp and release is followed by a step.
            self._tell_held()
            self.get_logger().debug(text)
            handle.publish_feedback(kind.Feedback(step=text))

        goal = bytes(handle.goal_id.uuid)
        return Call(
            check=lambda: self._watch.check(lambda: goal in self._canceled),
            tell=tell,
            speed_scale=handle.request.speed_scale,
            # Only skills that touch something have one.
            force_limit=getattr(handle.request, 'force_limit', 0.0),
        )

    # What it hears, and tells -------------------------------------------------------------------

    def _on_scene(self, message: Scene) -> None:
        with self._lock:
            self._scene = message
        self._watch.scene()

    def _on_lease(self, message: Lease) -> None:
        self._watch.lease(message.state, message.why)

    def _scene_view(self) -> SceneView:
        with self._lock:
            message = self._scene
        self._watch.require_scene()
        assert message is not None
        items = self._frames.items(message, self._settings.item)
        age = self._ears.clock.now() - Time.from_msg(
            message.header.stamp, clock_type=self._ears.clock.clock_type
        )
        # A stamp from after now is from before the clock began anew.
        return SceneView(items, abs(age.nanoseconds) * 1e-9)

    def _stamped(self, base_from_tcp: Matrix) -> PoseStamped:
        stamped = PoseStamped(pose=self._frames.in_workspace(base_from_tcp))
        stamped.header.frame_id = WORKSPACE
        stamped.header.stamp = self._ears.clock.now().to_msg()
        return stamped


def _end(handle: ServerGoalHandle, result: Any) -> None:
    """Set the goal's final state, once the result is filled: see rclpy #1598, #1617."""
    if not result.error_code:
        handle.succeed()
    elif handle.status == GoalStatus.STATUS_CANCELING:
        handle.canceled()
    else:
        handle.abort()


def main() -> int:
    """Console script."""
    return run_node(SkillsNode, threads=6)
