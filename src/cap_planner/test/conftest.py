"""The planner over a symbolic table; nodes of this process that spin, hang and end as a test wants,
in a ROS domain of their own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from cap_common.domain import free_domain_id
from cap_interfaces.action import Say
from cap_planner.engine import Engine
from cap_planner.models.base import LanguageModel
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import SandboxConfig
from cap_planner.testing import SymbolicTable, symbolic_engine

DEADLINE_S = 20.0


def wait_until(done: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not done():
        assert time.monotonic() < end, f'not in {DEADLINE_S:g} s: {what}'
        pause.wait(0.01)


class Spinning:
    """A node with a context and a thread of its own, as in another process."""

    def __init__(self, make: Callable[..., Node], domain: int) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node: Any = make(context=self._context)
        self._executor = MultiThreadedExecutor(8, context=self._context)
        self._executor.add_node(self.node)
        self._may_run = threading.Event()
        self._may_run.set()
        self._parked = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def _spin(self) -> None:
        while not self._ended.is_set():
            if not self._may_run.is_set():
                self._parked.set()
                self._may_run.wait()
            self._executor.spin_once(timeout_sec=0.05)

    def hang(self) -> None:
        self._parked.clear()
        self._may_run.clear()
        assert self._parked.wait(DEADLINE_S)

    def go_on(self) -> None:
        self._may_run.set()

    def end(self) -> None:
        self._ended.set()
        self.go_on()
        self._thread.join(DEADLINE_S)
        if close := getattr(self.node, 'close', None):
            close()
        self._executor.shutdown(timeout_sec=1.0)
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)


class Speaker(Node):
    """Offers `say`; a goal ends when the test lets it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('speaker', **kwargs)
        self.asked_to_cancel = threading.Event()
        self.may_end = threading.Event()
        self._server = ActionServer(
            self,
            Say,
            'say',
            execute_callback=self._run,
            cancel_callback=self._on_cancel,
            callback_group=ReentrantCallbackGroup(),
        )

    def _on_cancel(self, _: ServerGoalHandle) -> CancelResponse:
        self.asked_to_cancel.set()
        return CancelResponse.ACCEPT

    def _run(self, handle: ServerGoalHandle) -> Say.Result:
        self.may_end.wait(DEADLINE_S)
        handle.canceled() if handle.is_cancel_requested else handle.abort()
        return Say.Result()

    def close(self) -> None:
        self.may_end.set()
        self._server.destroy()


@pytest.fixture
def table() -> SymbolicTable:
    """Two blocks and two bowls."""
    return SymbolicTable(
        red_block=(0.1, -0.4), blue_block=(-0.1, -0.4), red_bowl=(0.1, -0.6), blue_bowl=(-0.1, -0.6)
    )


@pytest.fixture(scope='module')
def sandbox() -> Iterator[Sandbox]:
    """With the usual limits; a module that needs others has its own."""
    with Sandbox(SandboxConfig()) as running:
        yield running


@pytest.fixture
def make_engine(sandbox: Sandbox, table: SymbolicTable, tmp_path: Path) -> Callable[..., Engine]:
    """Makes one from a model, over `table` and the test module's `sandbox`."""

    def make(model: LanguageModel, *limits: Any, **more: Any) -> Engine:
        return symbolic_engine(model, table, sandbox, tmp_path / 'evidence.db', *limits, **more)

    return make


@pytest.fixture
def until() -> Callable[[Callable[[], Any], str], None]:
    """Wait for something, up to a deadline."""
    return wait_until


@pytest.fixture
def start() -> Iterator[Callable[[Callable[..., Node]], Spinning]]:
    """Spin the node that a factory makes; all of a test's nodes are in one domain."""
    domain = free_domain_id()
    started: list[Spinning] = []

    def spin(make: Callable[..., Node]) -> Spinning:
        started.append(Spinning(make, domain))
        return started[-1]

    yield spin
    for process in reversed(started):
        process.end()


@pytest.fixture
def speaker(start: Callable[[Callable[..., Node]], Spinning]) -> Spinning:
    """A server of `say`."""
    return start(Speaker)
