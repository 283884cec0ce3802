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
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from cap_common.domain import free_domain_id
from cap_common.qos import BEAT, LATCHED, SENSOR
from cap_common.static_tf import broadcast_static
from cap_description import cell_urdf
from cap_interfaces.msg import Heartbeat, Scene
from cap_interfaces.srv import DetectObjects, GetMasks
from cap_perception.messages import picture_message
from cap_perception.types import CameraFrame
from cap_sim.layout import ObjectSpec, random_layout

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

    def ask(self, client: Client, what: str, request: Any = None) -> Any:
        """Call a service until it answers: one that has not found the client yet cannot."""
        calls: list[Future] = []
        request = client.srv_type.Request() if request is None else request
        again_at = 0.0

        def answered() -> bool:
            nonlocal again_at
            if time.monotonic() > again_at:
                again_at = time.monotonic() + 2.0
                calls.append(client.call_async(request))
            return any(call.done() for call in calls)

        self.until(client.service_is_ready, what)
        self.until(answered, what)
        return next(call.result() for call in calls if call.done())

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


@pytest.mark.parametrize(('source', 'seed'), [('camera', 1), ('ground_truth', 3)])
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


class Camera:
    """Publishes pictures as a driver does that never sends one again; looks from above."""

    def __init__(self, node: Node) -> None:
        self._publishers = [
            node.create_publisher(kind, f'camera/{topic}', SENSOR)
            for kind, topic in (
                (Image, 'color/image_raw'), (Image, 'depth/image_raw'), (CameraInfo, 'camera_info')
            )
        ]  # fmt: skip

    def publish(self, frame: CameraFrame, *, encoding: str = 'rgb8', color: bool = True) -> None:
        picture = picture_message(frame.rgb, frame.stamp_ns, 'eye')
        picture.encoding = encoding
        depth = picture_message(frame.depth.view(np.uint8), frame.stamp_ns, 'eye')
        depth.encoding, depth.width = '32FC1', picture.width
        info = CameraInfo(header=picture.header, height=picture.height, width=picture.width)
        info.k = frame.intrinsics.ravel().tolist()
        for publisher, message in zip(self._publishers, (picture, depth, info), strict=True):
            if color or message is not picture:
                publisher.publish(message)


def test_a_managed_node_that_tells_how_it_is_and_answers(system, cell):
    world = cell(ObjectSpec('block', 'red', (0.1, -0.4)), ObjectSpec('bowl', 'blue', (-0.1, -0.6)))
    node = system.listener('camera')
    camera = Camera(node)
    broadcast_static(node, [('workspace', 'eye', world.workspace_from_camera)])
    for kind, topic, qos in (
        (DiagnosticStatus, 'perception/status', LATCHED),
        (DiagnosticArray, '/diagnostics', 10),
        (Image, 'perception/annotated', SENSOR),
        (MarkerArray, 'perception/markers', 1),
    ):
        system.listen(node, kind, topic, qos, kind)
    clients = {
        name: node.create_client(kind, f'perception/{name}')
        for kind, name in (
            (ChangeState, 'change_state'), (SetParameters, 'set_parameters'),
            (GetMasks, 'get_masks'), (DetectObjects, 'detect'),
        )
    }  # fmt: skip

    def says(words: str) -> bool:
        return words in getattr(system.newest.get(DiagnosticStatus), 'message', '')

    def sees() -> bool:
        """Lost pictures are no blindness."""
        status = system.newest.get(DiagnosticStatus)
        return status is not None and status.level in (DiagnosticStatus.OK, DiagnosticStatus.WARN)

    def change(transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        answer = system.ask(clients['change_state'], f'transition {transition}', request)
        return bool(answer.success)

    def show(done: Callable[[], bool], what: str, **how: Any) -> None:
        """Pictures, up to ten a second, until it is done."""
        next_at = 0.0

        def next_one() -> bool:
            nonlocal next_at
            if time.monotonic() > next_at:
                next_at = time.monotonic() + 0.1
                camera.publish(world.frame(), **how)
            return done()

        system.until(next_one, what)

    # What cannot be configured is told, and can be set right.
    system.start('perception', autostart=False, detector='crystal ball')
    assert not change(Transition.TRANSITION_ACTIVATE), 'not from here'
    assert not change(Transition.TRANSITION_CONFIGURE)
    system.until(lambda: says("no detector named 'crystal ball'; there are: ['color'"), 'why')
    assert system.newest[DiagnosticStatus].level == DiagnosticStatus.ERROR
    value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value='color')
    detector = SetParameters.Request(parameters=[Parameter(name='detector', value=value)])
    system.ask(clients['set_parameters'], 'another detector', detector)
    assert change(Transition.TRANSITION_CONFIGURE)
    system.until(lambda: says('inactive'), 'the loaded detector')
    refused = system.ask(clients['detect'], 'no answer', DetectObjects.Request(phrases=['block']))
    assert refused.error_code == DetectObjects.Response.PERCEPTION_LOST
    assert refused.error_msg.startswith('inactive')

    assert change(Transition.TRANSITION_ACTIVATE)
    system.until(lambda: says('nothing yet on camera/color/image_raw'), 'the want of a camera')
    show(lambda: Scene in system.newest and sees(), 'the first scene')
    scene = system.newest[Scene]
    assert sorted(thing.name for thing in scene.objects) == ['blue bowl', 'red block']
    block = next(thing for thing in scene.objects if thing.name == 'red block')
    red, green, blue = block.rgb
    assert red > 2 * max(green, blue)

    # Its pixels are those of the very picture of that scene.
    masks = system.ask(clients['get_masks'], 'a mask', GetMasks.Request(masks=[block.mask]))
    assert (masks.error_code, masks.height, masks.width) == (0, 480, 640)
    (region,), (image,) = masks.regions, masks.images
    u0, v0, u1, v1 = block.pixels
    assert (region.x_offset, region.y_offset) == (u0, v0)
    assert (region.width, region.height) == (u1 - u0, v1 - v0) == (image.width, image.height)
    assert (image.header.stamp, image.header.frame_id) == (scene.header.stamp, 'eye')
    assert set(image.data) <= {0, 255}
    assert np.mean(np.frombuffer(image.data, np.uint8)) > 100, 'most of its box'
    refused = system.ask(clients['get_masks'], 'no mask', GetMasks.Request(masks=['1/2']))
    assert refused.error_code == GetMasks.Response.OBJECT_NOT_FOUND

    def detect(timeout_s: float, *phrases: str) -> Any:
        request = DetectObjects.Request(phrases=phrases, timeout_s=timeout_s)
        asking = clients['detect'].call_async(request)
        show(asking.done, f'an answer to {phrases}')
        return asking.result()

    answer = detect(10.0, 'green block', 'the red block')
    assert answer.found == ['the red block']
    (thing,) = answer.objects
    assert (thing.id, thing.name) == (block.id, 'red block')
    assert answer.header.frame_id == 'workspace'
    Response = DetectObjects.Response
    for code, phrases in (
        (Response.OBJECT_NOT_FOUND, ['green block']),
        (Response.INVALID_GOAL, ['unicorn']),
        (Response.INVALID_GOAL, []),
    ):
        answer = detect(0.0, *phrases)
        assert answer.error_code == code, answer.error_msg

    # What people look at.
    show(lambda: Image in system.newest and MarkerArray in system.newest, 'something to look at')
    picture = system.newest[Image]
    assert (picture.height, picture.width, picture.encoding) == (480, 640, 'rgb8')
    names = {marker.text for marker in system.newest[MarkerArray].markers}
    assert {'red block', 'blue bowl'} <= names

    # Wrong pictures, half of them, none; and each time right ones again.
    show(lambda: says("'yuv422', not rgb8 or bgr8"), 'the wrong encoding', encoding='yuv422')
    show(sees, 'right pictures')
    show(
        lambda: says('nothing more on camera/color/image_raw, only on camera/depth/image_raw'),
        'depth alone', color=False,
    )  # fmt: skip
    show(sees, 'pictures with colour')
    system.until(lambda: says('nothing more on camera/color/image_raw, camera/depth'), 'its end')
    (status,) = system.newest[DiagnosticArray].status
    values = {item.key: item.value for item in status.values}
    assert status.name == 'perception: scene'
    assert values['last error'].startswith("colour image is 'yuv422'")
    assert float(values['detector [ms]']) > 0
    show(sees, 'pictures as before')

    # Nothing is listened to any more; and it begins anew.
    assert change(Transition.TRANSITION_DEACTIVATE)
    assert change(Transition.TRANSITION_CLEANUP)
    system.until(lambda: says('unconfigured'), 'its rest')
    count = system.count[Scene]
    assert change(Transition.TRANSITION_CONFIGURE)
    assert change(Transition.TRANSITION_ACTIVATE)
    show(lambda: system.count[Scene] > count, 'scenes again')


def test_chosen_but_missing_is_said(system):
    process = system.start('perception', BLOCKED['camera'], source='ground_truth')
    assert process.wait(60) != 0
