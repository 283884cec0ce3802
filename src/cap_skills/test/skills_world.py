"""A simulator and a skills_node as processes, with stand-ins for guard and perception."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
import yaml
from ament_index_python.packages import get_package_prefix
from geometry_msgs.msg import PoseStamped
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState, PointCloud2
from std_msgs.msg import String

from cap_common.calls import ActionCaller
from cap_common.domain import free_domain_id
from cap_common.errors import BusyError, RobotFaultError, SkillTimeoutError
from cap_common.process_watch import process_epoch
from cap_common.qos import BEAT, LATCHED, SENSOR
from cap_description.cell import cell_urdf
from cap_interfaces.action import Draw, Home, MoveTo, Pick, PickPlace, Place, Say
from cap_interfaces.msg import Heartbeat, Lease, Scene, Target
from cap_interfaces.srv import MoveObject, ResetWorld

ROOT = Path(__file__).parents[3]
DEADLINE_S = 90.0
_RATE = 1.0
# Long, so that the only silences are those that a test makes; a motion that one is to end is slow.
_SILENCES = {'lease_silence_s': 4.0, 'robot_silence_s': 4.0, 'scene_silence_s': 4.0}
# Slower than this [rad/s] the arm stands.
STANDS = 0.02


def wait(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f'{what}: not within {DEADLINE_S:g} s'
        threading.Event().wait(0.01)


class World:
    """Stands in for guard and perception, and calls the skills.

    Attributes:
        speeds: stamp [s] and fastest joint [rad/s] of the last joint states.
        ink: points of the board, (n, 3), as they were told last.
    """

    def __init__(self, folder: Path, tool: str = 'suction') -> None:
        self._folder = folder
        self._tool = tool
        self._domain = free_domain_id()
        self._context = Context()
        rclpy.init(context=self._context, domain_id=self._domain)
        self.processes = {
            'sim': self.start('cap_sim', 'sim', real_time_factor=_RATE, seed=5),
            'skills': self._skills(),
        }
        self.truth: Scene | None = None
        self.joints: JointState | None = None
        self.speeds: deque[tuple[float, float]] = deque(maxlen=5000)
        self.ink = np.zeros((0, 3))
        self._stands_since_s: float | None = None
        self.heard: set[str] = set()
        self.spoken: list[str] = []
        self.scenes = self.grants = True
        self.state = Lease.GRANTED
        self._ears = Node('ears', context=self._context)
        self._mouth = Node('mouth', context=self._context)
        self._scene = self._ears.create_publisher(Scene, 'scene', LATCHED)
        self._lease = self._ears.create_publisher(Lease, 'lease', BEAT)
        self._beat = self._ears.create_publisher(Heartbeat, 'heartbeat', BEAT)
        for kind, topic, callback, qos in (
            (Scene, 'sim/ground_truth', self._on_truth, 1),
            (JointState, 'joint_states', self._on_joints, SENSOR),
            (Heartbeat, 'heartbeat', lambda beat: self.heard.add(beat.node), BEAT),
            (String, 'speech', lambda said: self.spoken.append(said.data), 10),
            (PointCloud2, 'sim/ink', self._on_ink, LATCHED),
        ):
            self._ears.create_subscription(kind, topic, callback, qos)
        self.pick_place = ActionCaller(self._mouth, PickPlace, 'pick_place', 'skills')
        self.move_to = ActionCaller(self._mouth, MoveTo, 'move_to', 'skills')
        self.only_pick = ActionCaller(self._mouth, Pick, 'pick', 'skills')
        self.only_place = ActionCaller(self._mouth, Place, 'place', 'skills')
        self.draw = ActionCaller(self._mouth, Draw, 'draw', 'skills')
        self.home = ActionCaller(self._mouth, Home, 'home', 'skills')
        self.say = ActionCaller(self._mouth, Say, 'say', 'skills')
        self._reset = self._mouth.create_client(ResetWorld, 'sim/reset')
        self._move = self._mouth.create_client(MoveObject, 'sim/move')
        self._closing = threading.Event()
        self._executors = [
            SingleThreadedExecutor(context=self._context),
            MultiThreadedExecutor(2, context=self._context),
        ]
        for executor, node in zip(self._executors, (self._ears, self._mouth), strict=True):
            executor.add_node(node)
            threading.Thread(target=executor.spin, daemon=True).start()
        self._guard = threading.Thread(target=self._grant, daemon=True)
        self._guard.start()
        try:
            wait('the simulator', lambda: bool(self.truth and self.joints))
            self._until_ready()
        except BaseException:
            self.close()  # nobody else knows of the processes yet
            raise

    def _until_ready(self) -> None:
        self.home.wait_for_server(DEADLINE_S)
        wait('the skills to listen', lambda: self._lease.get_subscription_count() > 0)
        wait('the skills to listen', lambda: self._scene.get_subscription_count() > 0)
        # Matched at this end is not yet matched at the other: they hear once they know of a lease.
        wait('the lease', self._works)

    def _works(self) -> bool:
        # A killed server's entry lives on for a while: what is sent to it gets no answer. The new
        # server may come when that entry has gone, and late to a goal that was given up.
        with contextlib.suppress(SkillTimeoutError, RobotFaultError, BusyError):
            goal = MoveTo.Goal(target=Target(name='nothing'))
            code = self.move_to.call(goal, deadline_s=DEADLINE_S).error_code
            return bool(code == MoveTo.Result.OBJECT_NOT_FOUND)
        return False

    def start_skills(self) -> None:
        self.processes['skills'] = self._skills()
        self._until_ready()

    def _skills(self) -> subprocess.Popen[bytes]:
        return self.start('cap_skills', 'skills', use_sim_time=True, **_SILENCES)

    def start(self, package: str, name: str, **parameters: Any) -> subprocess.Popen[bytes]:
        parameters['robot_description'] = cell_urdf(tool=self._tool)
        file = self._folder / f'{name}.yaml'
        file.write_text(yaml.safe_dump({f'/**/{name}': {'ros__parameters': parameters}}))
        return subprocess.Popen(
            [
                str(Path(get_package_prefix(package), 'lib', package, f'{name}_node')),
                *('--ros-args', '--params-file', str(ROOT / 'config' / f'{name}.yaml')),
                *('--params-file', str(file)),
            ],
            env={**os.environ, 'ROS_DOMAIN_ID': str(self._domain)},
        )

    def close(self) -> None:
        self._closing.set()
        self._guard.join()
        for process in self.processes.values():
            process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            try:
                process.wait(5.0)
            except subprocess.TimeoutExpired:
                process.kill()
        for executor in self._executors:
            executor.shutdown(timeout_sec=1.0)
        rclpy.shutdown(context=self._context)

    def reset(self) -> None:
        """The same world anew, the arm at home."""
        self.scenes, self.grants, self.state = True, True, Lease.GRANTED
        assert self._reset.wait_for_service(DEADLINE_S)
        done = self._reset.call_async(ResetWorld.Request(seed=5, blocks=3, bowls=2))
        wait('sim/reset', done.done)
        assert done.result().success, done.result().message
        # Scenes of the old world may still be on their way.
        reset_s = float(re.match(r'at ([\d.]+) s', done.result().message)[1])
        wait('the new world', lambda: seconds(self.truth) > reset_s + 0.001)

    def move(self, name: str, *position: float) -> None:
        """Move an object to a point of the table, or take it away."""
        request = MoveObject.Request(name=name, position=list(map(float, position)))
        done = self._move.call_async(request)
        wait('sim/move', done.done)
        assert done.result().success, done.result().message

    def names(self, kind: str) -> list[str]:
        assert self.truth is not None
        return [item.name for item in self.truth.objects if item.class_name == kind]

    def at(self, name: str) -> np.ndarray:
        assert self.truth is not None
        item = next(item for item in self.truth.objects if item.name == name)
        return np.array([item.pose.position.x, item.pose.position.y, item.pose.position.z])

    def speed(self) -> float:
        assert self.joints is not None
        return max(abs(v) for v in self.joints.velocity)

    def time_s(self) -> float:
        """Simulated time, as the robot last told it."""
        return seconds(self.joints)

    def stood_s(self) -> float:
        """Since when, in simulated time, the arm has stood; waits until it does."""
        since: list[float] = []

        def stands() -> bool:
            if (at := self._stands_since_s) is not None:
                since.append(at)
            return bool(since)

        wait('the arm to stand', stands)
        return since[0]

    def pick(
        self, object_: str, target: Target, speed_scale: float = 0.0, **call: Any
    ) -> PickPlace.Result:
        goal = PickPlace.Goal(object=Target(name=object_), target=target, speed_scale=speed_scale)
        return self.pick_place.call(goal, deadline_s=DEADLINE_S, **call)

    def _on_truth(self, message: Scene) -> None:
        # The skills are told first: who sees a new world here may act on it.
        if self.scenes:
            self._scene.publish(message)
        self.truth = message

    def _on_ink(self, message: PointCloud2) -> None:
        self.ink = np.frombuffer(message.data, '<f4').reshape(-1, 3)

    def _on_joints(self, message: JointState) -> None:
        speed = max(map(abs, message.velocity))
        self.speeds.append((seconds(message), speed))
        if speed > STANDS:
            self._stands_since_s = None
        elif self._stands_since_s is None:
            self._stands_since_s = seconds(message)
        self.joints = message

    def _grant(self) -> None:
        beat = Heartbeat(node='guard', epoch=process_epoch(os.getpid()))
        while not self._closing.wait(0.05):
            if self.grants:
                beat.sequence += 1
                self._beat.publish(beat)
                self._lease.publish(Lease(state=self.state, why='a test'))


def seconds(message: Any) -> float:
    return float(message.header.stamp.sec + message.header.stamp.nanosec * 1e-9)


def named(name: str) -> Target:
    return Target(name=name)


def point(x: float, y: float, z: float = 0.0, frame: str = 'workspace') -> Target:
    return Target(pose=pose_in(x, y, z, frame))


def pose_in(x: float, y: float, z: float, frame: str) -> PoseStamped:
    pose = PoseStamped()
    pose.header.frame_id = frame
    # rosidl reads an int as garbage.
    position = pose.pose.position
    position.x, position.y, position.z = float(x), float(y), float(z)
    pose.pose.orientation.w = 1.0
    return pose
