"""Real sim_node and perception_node processes over DDS; ground truth judges the camera."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
import yaml
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection3DArray

from cap_common.domain import free_domain_id
from cap_common.qos import BEAT, LATCHED, SENSOR
from cap_description import cell_urdf
from cap_interfaces.msg import Heartbeat, Scene
from cap_sim.layout import random_layout

pytestmark = pytest.mark.system
CONFIG = Path(__file__).parents[3] / 'config'
# Each source runs where the other cannot be imported.
BLOCKED = {
    'camera': "sys.modules['cap_perception.ground_truth'] = None",
    'ground_truth': "sys.modules['cap_perception.camera_source'] = None",
}


class System:
    """Processes in a ROS domain of their own, and a node that listens to them."""

    def __init__(self, folder: Path) -> None:
        domain = free_domain_id()
        self._folder = folder
        self._environment = os.environ | {'ROS_DOMAIN_ID': str(domain)}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain)
        self._executor = SingleThreadedExecutor(context=self._context)
        self.newest: dict[Any, Any] = {}
        self.count: dict[Any, int] = {}
        node = self.listener('listener')
        for message_type, topic, qos in (
            (Scene, 'scene', LATCHED),
            (Detection3DArray, 'detections', SENSOR),
            (Heartbeat, 'heartbeat', BEAT),
        ):
            self.listen(node, message_type, topic, qos, message_type)
        self.listen(node, Scene, 'sim/ground_truth', 1, 'truth')

    def listener(self, name: str) -> Node:
        node = Node(name, context=self._context)
        self._executor.add_node(node)
        return node

    def listen(self, node: Node, message_type: Any, topic: str, qos: Any, key: Any) -> None:
        def take(message: Any) -> None:
            self.newest[key] = message
            self.count[key] = self.count.get(key, 0) + 1

        node.create_subscription(message_type, topic, take, qos)

    def start(self, name: str, before: str = '', **parameters: Any) -> subprocess.Popen[bytes]:
        """Run cap_<name>'s node with its file of config/; `before` is run first in the process."""
        own = self._folder / f'{name}.yaml'
        own.write_text(yaml.safe_dump({f'/**/{name}': {'ros__parameters': parameters}}))
        code = f'import sys; {before}\nfrom cap_{name}.node import main; sys.exit(main())'
        arguments = ['--ros-args', '--params-file', str(CONFIG / f'{name}.yaml')]
        process = subprocess.Popen(
            [sys.executable, '-c', code, *arguments, '--params-file', str(own)],
            env=self._environment,
        )
        self._processes.append(process)
        return process

    def start_sim(self, seed: int) -> subprocess.Popen[bytes]:
        return self.start('sim', seed=seed, robot_description=cell_urdf())

    def until(self, done: Callable[[], bool], what: str, deadline_s: float = 60.0) -> None:
        end = time.monotonic() + deadline_s
        while not done():
            assert time.monotonic() < end, f'not in {deadline_s:g} s: {what}; {self.names()}'
            for process in self._processes:
                assert process.poll() in (None, -signal.SIGKILL), 'a process ended'
            self._executor.spin_once(timeout_sec=0.1)

    def names(self) -> dict[Any, list[str]]:
        return {
            k: [o.name for o in m.objects] for k, m in self.newest.items() if hasattr(m, 'objects')
        }

    def scene_is_the_world(self) -> bool:
        scene, truth = self.newest.get(Scene), self.newest.get('truth')
        return bool(
            scene and truth and truth.objects
            and sorted(o.name for o in scene.objects) == sorted(o.name for o in truth.objects)
        )  # fmt: skip

    def ask(self, client: Client, what: str) -> None:
        """Call a service until it answers: one that has not found the client yet cannot."""
        calls: list[Future] = []
        again_at = 0.0

        def answered() -> bool:
            nonlocal again_at
            if time.monotonic() > again_at:
                again_at = time.monotonic() + 2.0
                calls.append(client.call_async(Trigger.Request()))
            return any(call.done() for call in calls)

        self.until(client.service_is_ready, what)
        self.until(answered, what)

    def hear_no_scene(self) -> None:
        """Until 20 beats in a row have come without a scene among them."""
        before, beats = -1, 0

        def quiet() -> bool:
            nonlocal before, beats
            if self.count[Scene] != before:
                before, beats = self.count[Scene], self.count[Heartbeat] + 20
            return self.count[Heartbeat] > beats

        self.until(quiet, 'beats without a scene')

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        self._executor.shutdown()
        rclpy.shutdown(context=self._context)


@pytest.fixture
def system(tmp_path):
    running = System(tmp_path)
    yield running
    running.close()


def position(thing):
    return np.array([thing.pose.position.x, thing.pose.position.y, thing.pose.position.z])


def things(seed):
    return sorted(item.name for item in random_layout(seed).objects)


def nanoseconds(scene):
    return scene.header.stamp.sec * 10**9 + scene.header.stamp.nanosec


def assert_same(scene, truth):
    assert scene.header.frame_id == 'workspace'
    true = {thing.name: thing for thing in truth.objects}
    for thing in scene.objects:
        offset = position(thing) - position(true[thing.name])
        assert np.hypot(*offset[:2]) < 0.004, thing.name
        assert abs(offset[2]) < 0.004, thing.name
        size = np.array([thing.size.x, thing.size.y, thing.size.z])
        other = true[thing.name].size
        assert size == pytest.approx([other.x, other.y, other.z], abs=0.002)
        assert (thing.class_name, thing.color) == (
            true[thing.name].class_name,
            true[thing.name].color,
        )


@pytest.mark.parametrize(('source', 'seed'), [('camera', 1), ('camera', 2), ('ground_truth', 3)])
def test_conformance_of_scene_sources(system, source, seed):
    system.start('perception', BLOCKED[source], use_sim_time=True, source=source)
    forget = system.listener('asker').create_client(Trigger, 'forget_objects')
    system.ask(forget, 'the first sign of life')
    assert Scene not in system.newest, 'a scene before there is anything to see'
    sim = system.start_sim(seed)
    system.until(system.scene_is_the_world, f'the scene of seed {seed}')
    system.until(lambda: system.count.get(Heartbeat, 0) > 5, 'beats of perception')
    scene = system.newest[Scene]
    assert_same(scene, system.newest['truth'])
    ids = {o.name: o.id for o in scene.objects}
    assert len(set(ids.values())) == len(scene.objects) == 6
    for thing in scene.objects:
        assert thing.name == f'{thing.color} {thing.class_name}'
        assert 0 < thing.confidence <= 1
        assert thing.stamp.sec <= scene.header.stamp.sec
    later = system.count[Scene] + 3
    system.until(lambda: system.count[Scene] > later, 'more scenes')
    assert nanoseconds(system.newest[Scene]) > nanoseconds(scene)
    assert {o.name: o.id for o in system.newest[Scene].objects} == ids
    system.until(lambda: Detection3DArray in system.newest, 'detections')
    detections = system.newest[Detection3DArray]
    assert detections.header.frame_id == 'workspace'
    assert {d.id for d in detections.detections} <= set(ids.values())
    assert {d.results[0].hypothesis.class_id for d in detections.detections} <= {'block', 'bowl'}

    # The simulator stands still: perception lives on, and says nothing new.
    sim.send_signal(signal.SIGSTOP)
    system.hear_no_scene()
    stamp, count = system.newest[Scene].header.stamp, system.count[Scene]
    # Who comes late gets the last scene, with the stamp that it had.
    system.listen(system.listener('late'), Scene, 'scene', LATCHED, 'late')
    system.until(lambda: 'late' in system.newest, 'the latched scene')
    assert system.newest['late'].header.stamp == stamp
    sim.send_signal(signal.SIGCONT)
    system.until(lambda: system.count[Scene] > count + 5, 'scenes when it goes on')
    assert {o.name: o.id for o in system.newest[Scene].objects} == ids

    # The simulator dies, and another one starts with other things and a clock at zero.
    sim.kill()
    sim.wait(10)
    other = next(n for n in itertools.count(seed + 1) if set(things(n)) != set(ids))
    system.start_sim(other)
    system.until(
        lambda: sorted(o.name for o in system.newest['truth'].objects) == things(other),
        'the new world',
    )
    system.until(system.scene_is_the_world, f'the scene of seed {other}')
    assert_same(system.newest[Scene], system.newest['truth'])


def test_chosen_but_missing_is_said(system):
    process = system.start('perception', BLOCKED['camera'], source='ground_truth')
    assert process.wait(60) != 0
