"""For tests and benchmarks: a running system in a ROS domain of its own, and a model that is told
what to answer, behind a server that speaks the OpenAI protocol.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import FluidPressure, JointState
from trajectory_msgs.msg import JointTrajectory

from cap_bringup.braking import Braking, Plan, Sample, find_braking
from cap_bringup.client import Client
from cap_bringup.node_list import tabletop
from cap_bringup.supervisor import Supervisor, node_environment
from cap_common.domain import free_domain_id
from cap_common.ears import Ears
from cap_common.qos import SENSOR
from cap_interfaces.msg import Scene
from cap_planner.evidence import EvidenceStore

READY_S = 120.0


def children(pid: int) -> list[int]:
    """Process ids of a process's children."""
    lists = Path(f'/proc/{pid}/task').glob('*/children')
    return [int(child) for text in lists for child in text.read_text().split()]


@contextmanager
def evidence_folder(name: str, failed: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """A folder for logs and evidence. It is kept, and named, only if something went wrong.

    Args:
        name: of the benchmark.
        failed: asked at the end; what is raised is a failure, too.
    """
    folder = Path(tempfile.mkdtemp(prefix=f'cap-{name}-'))
    is_of_use = True
    try:
        yield folder
        is_of_use = failed()
    finally:
        if is_of_use:
            print(f'evidence and logs: {folder}', flush=True)
        else:
            shutil.rmtree(folder)


@dataclass
class RunningSystem:
    """A system and its client."""

    nodes: Supervisor
    client: Client
    evidence: EvidenceStore

    def kill(self, name: str) -> None:
        """SIGKILL for one node, which the supervisor starts again, or for the `child`."""
        os.kill(self.pid(name), signal.SIGKILL)

    def pid(self, name: str) -> int:
        """Process id of a node, or of the `child`: the program that runs in the sandbox.

        Raises:
            LookupError: no program runs, or no such node.
        """
        if name != 'child':
            return self.nodes.pid(name)
        found = [p for zygote in children(self.nodes.pid('planner')) for p in children(zygote)]
        if len(found) != 1:
            raise LookupError(f'{len(found)} programs run')
        return found[0]

    def wait_ready(self) -> None:
        """Until instructions are taken again."""
        self.client.wait_ready(READY_S, meanwhile=self._keep_up)

    def _keep_up(self) -> None:
        for event in self.nodes.poll():
            print(event)


@contextmanager
def running_system(
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    restart: bool = False,
    watch_world: bool = True,
    **arguments: str,
) -> Iterator[RunningSystem]:
    """Start all nodes, wait until they are ready, and end them.

    Args:
        environment: of the nodes, on top of their usual one.
        watch_world: whether the client hears the simulator's truth and the operator's camera.
        arguments: launch arguments.
    """
    values = {'evidence': str(folder / 'evidence.db'), **arguments}
    own = node_environment(free_domain_id())
    variables = {**own, **(environment or {})}
    with (
        _environment(own),
        # First: two processes that make a new file at once may get into each other's way.
        EvidenceStore(folder / 'evidence.db') as evidence,
        Supervisor(tabletop(values), folder / 'log', variables, restart) as nodes,
        Client(watch_world=watch_world) as client,
    ):
        system = RunningSystem(nodes, client, evidence)
        system.wait_ready()
        yield system


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """This process's environment for a while: rclpy reads it when a client is made."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class ArmWatch:
    """The arm's motion, as the simulator publishes it, seen from this process.

    Attributes:
        speed: of the fastest joint [rad/s].
        moved_at: wall time [s] of the first motion since `forget`; 0.0: none.
    """

    STILL_RAD_S = 0.02

    def __init__(self, client: Client) -> None:
        self._changed = threading.Condition()
        self._received_at = 0.0
        self.speed = 0.0
        self.moved_at = 0.0
        client.subscribe(JointState, 'joint_states', self._on_state, SENSOR)

    def _on_state(self, message: JointState) -> None:
        with self._changed:
            self.speed = max(abs(velocity) for velocity in message.velocity)
            self._received_at = time.monotonic()
            if self.is_moving and not self.moved_at:
                self.moved_at = time.time()
            self._changed.notify_all()

    @property
    def is_moving(self) -> bool:
        """By the newest joint state."""
        return self.speed > self.STILL_RAD_S

    def forget(self) -> None:
        """Watch for a new first motion."""
        with self._changed:
            self.moved_at = 0.0

    def wait(self, *, moving: bool, timeout_s: float) -> float:
        """Until the arm moves, or stands; returns how long that took [s].

        Raises:
            TimeoutError: it did not.
        """
        started = time.monotonic()
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._received_at > started and self.is_moving == moving, timeout_s
            ):
                wanted = 'move' if moving else 'stop'
                raise TimeoutError(f'the arm did not {wanted} in {timeout_s:g} s')
        return time.monotonic() - started


class MotionRecorder:
    """Every state of the arm and the gripper that the simulator publishes, and every plan.

    The times are those at which it publishes them, in the messages' own stamps: how busy this
    process is does not count. Of all since `forget`. Use as a context manager, within a Client.

    Attributes:
        samples, plans: see braking.py.
        pressures: wall time [s] and absolute pressure in the cup [Pa].
        heights: wall time [s] and height of the centre of the world's first object [m].
    """

    _EVERY = QoSProfile(depth=5000, reliability=ReliabilityPolicy.BEST_EFFORT)

    def __init__(self) -> None:
        parent = self._parent = Node('motion_recorder')
        self._ears = Ears(parent)
        self.forget()
        listeners: tuple[tuple[type, str, Any, Any], ...] = (
            (JointState, 'joint_states', self._on_joints, self._EVERY),
            (FluidPressure, 'gripper/vacuum', self._on_vacuum, self._EVERY),
            (JointTrajectory, 'planned_trajectory', self._on_plan, 10),
            (Scene, 'sim/ground_truth', self._on_scene, self._EVERY),
        )
        for listener in listeners:
            self._ears.listen(*listener)

    def __enter__(self) -> MotionRecorder:
        self._ears.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ears.close()
        self._parent.destroy_node()

    def forget(self) -> None:
        """Begin anew."""
        self.samples: list[Sample] = []
        self.plans: list[Plan] = []
        self.pressures: list[tuple[float, float]] = []
        self.heights: list[tuple[float, float]] = []

    def braking(self, after_wall_s: float, timeout_s: float) -> Braking:
        """How the last motion ended, as soon as the arm is at rest; see find_braking.

        Raises:
            TimeoutError: it is not.
        """
        deadline = time.monotonic() + timeout_s
        pause = threading.Event()
        while (found := self._find_braking(after_wall_s)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f'the arm did not come to rest in {timeout_s:g} s')
            pause.wait(0.1)
        return found

    def _find_braking(self, after_wall_s: float) -> Braking | None:
        return find_braking(list(self.samples), list(self.plans), after_wall_s)

    def _on_joints(self, message: JointState, info: Mapping[str, int]) -> None:
        stamp = message.header.stamp
        self.samples.append(
            Sample(
                wall_s=info['source_timestamp'] * 1e-9,
                time_s=stamp.sec + stamp.nanosec * 1e-9,
                q=np.array(message.position),
                qd=np.array(message.velocity),
            )
        )

    def _on_vacuum(self, message: FluidPressure, info: Mapping[str, int]) -> None:
        self.pressures.append((info['source_timestamp'] * 1e-9, message.fluid_pressure))

    def _on_scene(self, message: Scene, info: Mapping[str, int]) -> None:
        for item in message.objects[:1]:
            self.heights.append((info['source_timestamp'] * 1e-9, item.pose.position.z))

    def _on_plan(self, message: JointTrajectory, info: Mapping[str, int]) -> None:
        points = message.points
        self.plans.append(
            Plan(
                wall_s=info['source_timestamp'] * 1e-9,
                times=np.array(
                    [p.time_from_start.sec + p.time_from_start.nanosec * 1e-9 for p in points]
                ),
                positions=np.array([p.positions for p in points]),
                velocities=np.array([p.velocities for p in points]),
            )
        )


class ScriptedModelServer:
    """An OpenAI-compatible endpoint on loopback whose answers the test writes.

    `answer` takes the last user message and returns the text.
    """

    def __init__(self) -> None:
        self.answer: Callable[[str], str] = lambda _: 'say("nothing was scripted")'
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers['Content-Length'])
                messages = json.loads(self.rfile.read(length))['messages']
                body = json.dumps(server._completion(messages)).encode()
                self.send_response(200)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        """For the planner, to be started with model:=openai:scripted."""
        port = self._http.server_address[1]
        return {'OPENAI_BASE_URL': f'http://127.0.0.1:{port}/v1', 'OPENAI_API_KEY': 'test'}

    def __enter__(self) -> ScriptedModelServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _completion(self, messages: list[dict[str, str]]) -> dict[str, Any]:
        choice = {
            'index': 0,
            'finish_reason': 'stop',
            'message': {'role': 'assistant', 'content': self.answer(messages[-1]['content'])},
        }
        return {
            'id': 'scripted',
            'object': 'chat.completion',
            'created': int(time.time()),
            'model': 'scripted',
            'choices': [choice],
            'usage': {'prompt_tokens': 1, 'completion_tokens': 1, 'total_tokens': 2},
        }
