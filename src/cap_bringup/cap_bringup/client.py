"""The system as seen by its user: instructions, stop and resume, what the simulator shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rcl_interfaces.srv import GetParameters
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, PointCloud2
from std_srvs.srv import Trigger

from cap_common.awake import awake_s
from cap_common.calls import ActionCaller, call_service
from cap_common.errors import CapError
from cap_common.frames import transform_points
from cap_common.heartbeat import BeatMonitor
from cap_common.perception_status import PerceptionStatus
from cap_common.qos import BEAT, LATCHED, SENSOR
from cap_common.static_tf import StaticTransformListener
from cap_eval.state import FRAME, WorldState, at_rest, distance_xy, world_from_scene
from cap_interfaces.action import ExecuteInstruction
from cap_interfaces.msg import Lease, Scene
from cap_interfaces.srv import ResetWorld, Resume, SpawnObject, Stop
from cap_planner.budget import END_S

_SILENT_S = 1.5
_DISCOVERY_S = 5.0
_ANSWER_S = 5.0
# Leases come 20 times a second, scenes 5 times: a system that is slower than this is not ready.
_FRESH_S = {'lease': 0.5, 'scene': 1.0}
# What a dead one has sent may still be fresh.
_NODES = ('guard', 'planner', 'skills', 'perception')


class NotReadyError(CapError):
    """The system did not come up; the text says what is missing."""

    name = 'ROBOT_FAULT'


class Client:
    """A node on a thread of its own. Use as a context manager.

    Args:
        watch_world: subscribe to what only a simulator has: true poses and the operator's camera.
    """

    def __init__(self, *, watch_world: bool = False) -> None:
        # Ctrl-C is the command's to handle: what it stops must still be talked to.
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node('cap_client')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._newest: dict[str, Any] = {}
        self._received_at: dict[str, float] = {}
        self._frame_listeners: list[Callable[[Image], None]] = []
        self._perception = PerceptionStatus(self._node.create_subscription)
        self._beats = BeatMonitor(self._node.create_subscription)
        self._execute = ActionCaller(
            self._node, ExecuteInstruction, 'execute_instruction', 'the planner'
        )
        # From the beginning: a stop must not wait until its server is discovered.
        self._stop = self._node.create_client(Stop, 'stop')
        self._keep('lease', Lease, BEAT)
        self._keep('scene', Scene, LATCHED)
        if watch_world:
            self._keep('sim/ground_truth', Scene, QoSProfile(depth=1))
            self._keep('sim/ink', PointCloud2, LATCHED)
            self._transforms = StaticTransformListener(self._node)
            self._node.create_subscription(
                Image, 'operator_camera/image_raw', self._on_frame, SENSOR
            )
        self._thread = threading.Thread(target=self._spin, name='cap_client', daemon=True)
        self._thread.start()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._executor.shutdown(timeout_sec=1.0)
        self._thread.join(timeout=2.0)
        self._node.destroy_node()
        rclpy.try_shutdown()
        self._beats.close()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            return
        except Exception:
            # rclpy's executor may stumble over its own shutdown.
            if not self._closing.is_set():
                raise

    def _keep(self, topic: str, message_type: Any, qos: QoSProfile) -> None:
        def on_message(message: Any) -> None:
            with self._changed:
                self._newest[topic] = message
                self._received_at[topic] = awake_s()
                self._changed.notify_all()

        self._node.create_subscription(message_type, topic, on_message, qos)

    def _on_frame(self, message: Image) -> None:
        with self._changed:
            self._newest['frame'] = message
            self._changed.notify_all()
        for listener in self._frame_listeners:
            listener(message)

    # ── readiness ────────────────────────────────────────────────────────────────────────────

    def wait_ready(self, timeout_s: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Return when instructions can be taken: motion is granted and there is a scene.

        Raises:
            NotReadyError: not within the time.
        """
        deadline = time.monotonic() + timeout_s
        while missing := self._missing():
            if time.monotonic() > deadline:
                raise NotReadyError(f'not ready after {timeout_s:g} s: {missing}')
            meanwhile()
            with self._changed:
                self._changed.wait(0.1)

    def hears_system(self, timeout_s: float) -> bool:
        """Whether a guard runs in this ROS domain."""
        with self._changed:
            return self._changed.wait_for(lambda: 'lease' in self._newest, timeout_s)

    def object_names(self) -> list[str]:
        """What perception sees."""
        scene = self._fresh('scene')
        return sorted(item.name for item in scene.objects) if scene else []

    def _missing(self) -> str:
        lease = self._fresh('lease')
        if lease is None:
            return 'no lease from guard: is the system up? (./cap up tabletop)'
        if lease.state == Lease.WITHDRAWN:
            return str(lease.why)
        if self._fresh('scene') is None:
            return f'no scene from perception: {self._perception.why_lost()}'
        for node in _NODES:
            if lost := self._beats.lost(node, _SILENT_S):
                return f'{node}: {lost}'
        return ''

    def _fresh(self, topic: str) -> Any:
        """The newest message of a topic, unless it fell silent."""
        age = awake_s() - self._received_at.get(topic, float('-inf'))
        if age > _FRESH_S[topic]:
            return None
        return self._newest.get(topic)

    # ── instructions ─────────────────────────────────────────────────────────────────────────

    def execute(
        self,
        instruction: str,
        *,
        session: str = '',
        program: str = '',
        skip_verifier: bool = False,
        timeout_s: float | None = None,
        on_feedback: Callable[[ExecuteInstruction.Feedback], None] | None = None,
        canceled: Callable[[], bool] = lambda: False,
    ) -> ExecuteInstruction.Result:
        """Send an instruction and wait for its Result.

        Args:
            program: run this one; see ExecuteInstruction, as for `skip_verifier`.
            timeout_s: None: until the planner's own budgets end it at the latest.

        Raises:
            RobotFaultError: the planner is not there, or was lost while it ran.
            CapError: canceled or out of time.
        """
        self._await_planner(canceled)
        deadline_s = self._longest_s() if timeout_s is None else timeout_s
        epoch = self._beats.epoch('planner')

        def lost() -> str | None:
            if epoch is not None and self._beats.epoch('planner') != epoch:
                return 'the planner was started again, and knows nothing of this instruction'
            return self._beats.lost('planner', _SILENT_S)

        goal = ExecuteInstruction.Goal(
            instruction=instruction, session=session, program=program, skip_verifier=skip_verifier
        )
        return self._execute.call(
            goal, deadline_s=deadline_s, canceled=canceled, lost=lost, on_feedback=on_feedback
        )

    def planner_domain(self) -> str:
        """What the planner's programs are for, such as `tabletop`.

        Raises:
            RobotFaultError: the planner is not there.
        """
        return str(self._parameters('planner', 'domain')[0])

    def _longest_s(self) -> float:
        """How long the planner may take for an instruction."""
        wall_s, model_s = self._parameters('planner', 'budget.wall_s', 'budget.model_s')
        return float(wall_s + model_s) + END_S

    def _parameters(self, node: str, *names: str) -> list[Any]:
        """What a running node has."""
        request = GetParameters.Request(names=names)
        response = self._service(GetParameters, f'{node}/get_parameters', request)
        return [parameter_value_to_python(value) for value in response.values]

    def _await_planner(self, canceled: Callable[[], bool]) -> None:
        """Who has just joined may not have heard its heartbeat yet."""
        deadline = time.monotonic() + _DISCOVERY_S
        pause = threading.Event()
        while self._beats.epoch('planner') is None and time.monotonic() < deadline:
            if canceled():
                return
            pause.wait(0.02)

    def stop(self, who: str, why: str) -> Stop.Response:
        """The latched stop."""
        return call_service(self._stop, Stop.Request(who=who, why=why), _ANSWER_S)

    def resume(self, who: str) -> Resume.Response:
        """Takes back the stop."""
        return self._service(Resume, 'resume', Resume.Request(who=who))

    def _service(self, service_type: Any, name: str, request: Any) -> Any:
        client = self._node.create_client(service_type, name)
        try:
            return call_service(client, request, _ANSWER_S)
        finally:
            self._node.destroy_client(client)

    # ── the simulated world ──────────────────────────────────────────────────────────────────

    def world(self, timeout_s: float = 10.0) -> WorldState:
        """The true state of the world, as soon as it is at rest.

        Raises:
            NotReadyError: nothing came, or it never came to rest.
        """
        deadline = time.monotonic() + timeout_s
        earlier: WorldState | None = None
        with self._changed:
            self._newest.pop('sim/ground_truth', None)
            while time.monotonic() < deadline:
                self._changed.wait(0.1)
                message = self._newest.pop('sim/ground_truth', None)
                if message is None:
                    continue
                state = world_from_scene(message)
                if earlier is not None and at_rest(earlier, state):
                    return replace(state, ink=self._strokes())
                earlier = state
        raise NotReadyError(f'the simulated world did not come to rest in {timeout_s:g} s')

    def _strokes(self) -> dict[int, NDArray[np.float64]]:
        """The ink on the whiteboard, by stroke, (n, 2) in `workspace` [m]."""
        message = self._newest.get('sim/ink')
        if message is None:
            return {}
        ink = np.frombuffer(bytes(message.data), np.float32).reshape(-1, 3).astype(np.float64)
        on_board = np.column_stack([ink[:, :2], np.zeros(len(ink))])
        workspace_from_board = self._transforms.frames.lookup(FRAME, message.header.frame_id)
        points = transform_points(workspace_from_board, on_board)[:, :2]
        return {int(index): points[ink[:, 2] == index] for index in np.unique(ink[:, 2])}

    def reset_world(
        self, seed: int, block_colors: Sequence[str], bowl_colors: Sequence[str]
    ) -> None:
        """A new simulated world; returns when perception sees it.

        Raises:
            NotReadyError: the simulator refused, or perception does not see what is there.
        """
        request = ResetWorld.Request(
            seed=seed,
            blocks=len(block_colors),
            bowls=len(bowl_colors),
            block_colors=list(block_colors),
            bowl_colors=list(bowl_colors),
        )
        response = self._service(ResetWorld, 'sim/reset', request)
        if not response.success:
            raise NotReadyError(f'the simulator did not make the world: {response.message}')
        world = self.world()
        # Only now: a picture of the world before may have been on its way.
        self._service(Trigger, 'forget_objects', Trigger.Request())
        self._wait_until_seen(world)

    def spawn(self, kind: str) -> str:
        """One more object on the simulated table, at a free place; returns its name.

        Raises:
            NotReadyError: the simulator refused.
        """
        response = self._service(SpawnObject, 'sim/spawn', SpawnObject.Request(kind=kind))
        if not response.success:
            raise NotReadyError(f'the simulator did not add the {kind}: {response.message}')
        return str(response.name)

    def _wait_until_seen(self, world: WorldState, timeout_s: float = 15.0) -> None:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while time.monotonic() < deadline:
                scene = self._newest.get('scene')
                seen = world_from_scene(scene) if scene else WorldState(())
                if _same_places(world, seen):
                    return
                self._changed.wait(0.1)
        raise NotReadyError(f'perception sees {sorted(seen.names)}, not {sorted(world.names)}')

    def picture(self, timeout_s: float = 10.0) -> NDArray[np.uint8]:
        """A new picture of the operator's camera, (height, width, 3) RGB.

        Raises:
            NotReadyError: none came.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._newest.pop('frame', None)
            while time.monotonic() < deadline:
                self._changed.wait(0.1)
                if 'frame' in self._newest:
                    return pixels(self._newest['frame'])
        raise NotReadyError(f'no picture of the operator camera in {timeout_s:g} s')

    def subscribe(
        self, message_type: Any, topic: str, listener: Callable[[Any], None], qos: QoSProfile
    ) -> None:
        """Hear another topic; the listener is called on the client's thread."""
        self._node.create_subscription(message_type, topic, listener, qos)

    def on_frame(self, listener: Callable[[Image], None]) -> None:
        """Have every picture of the operator's camera from now on."""
        self._frame_listeners.append(listener)


def _same_places(world: WorldState, seen: WorldState, tolerance_m: float = 0.02) -> bool:
    return world.names == seen.names and all(
        distance_xy(world.get(name), seen.get(name)) < tolerance_m for name in world.names
    )


def pixels(message: Image) -> NDArray[np.uint8]:
    """An rgb8 image message as an array (height, width, 3)."""
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
