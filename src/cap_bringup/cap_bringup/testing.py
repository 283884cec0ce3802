"""For tests and benchmarks: a running system in a ROS domain of its own, and a model that is told
what to answer, behind a server that speaks the OpenAI protocol.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sensor_msgs.msg import JointState

from cap_bringup.client import Client
from cap_bringup.node_list import tabletop
from cap_bringup.supervisor import Supervisor, node_environment
from cap_common.domain import free_domain_id
from cap_common.qos import SENSOR
from cap_planner.evidence import EvidenceStore

READY_S = 120.0


@dataclass
class RunningSystem:
    """A system and its client."""

    nodes: Supervisor
    client: Client
    evidence: EvidenceStore

    def kill(self, name: str) -> None:
        """SIGKILL for one node; the supervisor starts it again."""
        os.kill(self.nodes.pid(name), signal.SIGKILL)

    def wait_ready(self) -> None:
        """Until instructions are taken again."""
        self.client.wait_ready(READY_S, meanwhile=lambda: print(*self.nodes.poll(), sep='', end=''))


@contextmanager
def running_system(
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    restart: bool = False,
    **arguments: str,
) -> Iterator[RunningSystem]:
    """Start all nodes, wait until they are ready, and end them.

    Args:
        environment: of the nodes, on top of their usual one.
        arguments: launch arguments.
    """
    values = {'evidence': str(folder / 'evidence.db'), **arguments}
    own = node_environment(free_domain_id())
    variables = {**own, **(environment or {})}
    with (
        _environment(own),
        Supervisor(tabletop(values), folder / 'log', variables, restart) as nodes,
        Client(watch_world=True) as client,
        EvidenceStore(folder / 'evidence.db') as evidence,
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
