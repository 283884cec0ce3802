"""The real sim_node, a process of its own, over DDS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
import yaml
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory, GripperCommand
from geometry_msgs.msg import WrenchStamped
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, FluidPressure, Image, JointState, PointCloud2
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectoryPoint

import cap_sim.photographer
from cap_common.conversions import matrix_from_transform
from cap_common.domain import free_domain_id
from cap_common.qos import LATCHED, SENSOR
from cap_common.static_tf import StaticTransformListener
from cap_description import ARM_JOINTS, cell_urdf, transform
from cap_interfaces.msg import Scene
from cap_interfaces.srv import MoveObject, ResetWorld, SpawnObject
from cap_sim.arm import Tolerances
from cap_sim.node import SimNode
from cap_sim.trajectory import PreparedTrajectory, Waypoint

pytestmark = pytest.mark.system
CONFIG = Path(__file__).parents[3] / 'config' / 'sim.yaml'
PROFILE = CONFIG.with_name('fastdds.xml')
TOPICS = {
    'joint_states': JointState,
    'gripper/wrench': WrenchStamped,
    'gripper/vacuum': FluidPressure,
    'camera/color/image_raw': Image,
    'camera/depth/image_raw': Image,
    'camera/camera_info': CameraInfo,
    '/clock': Clock,
}
_OF_A_CAMERA = ('color/image_raw', 'depth/image_raw', 'camera_info')
DEADLINE_S = 60.0
Result = FollowJointTrajectory.Result


class Client:
    """A node beside the simulator. Waits end by what arrives, or fail at a deadline."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = Node('client', context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self.got: dict[str, list[Any]] = {}
        for topic, message_type in TOPICS.items():
            self.listen(message_type, topic, SENSOR)
        self.listen(Scene, 'sim/ground_truth', 1)
        self.listen(String, 'robot_description', LATCHED)
        self.frames = StaticTransformListener(self.node)
        self.arm = ActionClient(
            self.node,
            FollowJointTrajectory,
            'joint_trajectory_controller/follow_joint_trajectory',
        )
        self.gripper = ActionClient(self.node, GripperCommand, 'gripper_cmd')
        self.reset = self.node.create_client(ResetWorld, 'sim/reset')
        self.spawn = self.node.create_client(SpawnObject, 'sim/spawn')
        self.move = self.node.create_client(MoveObject, 'sim/move')

    def listen(self, message_type: Any, topic: str, qos: Any) -> Any:
        self.got[topic] = []
        return self.node.create_subscription(message_type, topic, self.got[topic].append, qos)

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + DEADLINE_S
        while not (value := condition()):
            assert time.monotonic() < deadline, f'{what}: not in {DEADLINE_S:g} s'
            self._executor.spin_once(timeout_sec=0.1)
        return value

    def result(self, future: Future) -> Any:
        return self.until(lambda: future.done() and (future.result() or True), 'an answer')

    def newest(self, topic: str) -> Any:
        """The next message that arrives."""
        self.got[topic].clear()
        return self.until(lambda: self.got[topic] and self.got[topic][-1], topic)

    def send(self, goal: FollowJointTrajectory.Goal) -> Any:
        handle = self.result(self.arm.send_goal_async(goal))
        assert handle.accepted
        return handle

    def call_reset(self, **request: Any) -> ResetWorld.Response:
        return self.result(self.reset.call_async(ResetWorld.Request(**request)))

    def call_spawn(self, **request: Any) -> SpawnObject.Response:
        return self.result(self.spawn.call_async(SpawnObject.Request(**request)))

    def call_move(self, **request: Any) -> MoveObject.Response:
        return self.result(self.move.call_async(MoveObject.Request(**request)))

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


def start(
    folder: Path, domain: int, before: str = '', **parameters: Any
) -> subprocess.Popen[bytes]:
    """The node's process; `before` is Python to run in it first."""
    extra = folder / 'description.yaml'
    given = {'robot_description': cell_urdf(), 'seed': 5, 'real_time_factor': 2.0} | parameters
    extra.write_text(yaml.safe_dump({'/**/sim': {'ros__parameters': given}}))
    code = f'{before}\nimport sys; from cap_sim.node import main; sys.exit(main())'
    files = [word for file in (CONFIG, extra) for word in ('--params-file', str(file))]
    return subprocess.Popen(
        [sys.executable, '-c', code, '--ros-args', *files],
        env=os.environ | {'ROS_DOMAIN_ID': str(domain)},
    )


@contextmanager
def running(folder: Path, **parameters: Any) -> Iterator[Client]:
    """A client of a node that runs."""
    domain = free_domain_id()
    process = start(folder, domain, **parameters)
    client = Client(domain)
    try:
        client.until(lambda: client.got['joint_states'], 'the first joint state')
        assert client.arm.wait_for_server(DEADLINE_S)
        assert client.gripper.wait_for_server(DEADLINE_S)
        assert client.reset.wait_for_service(DEADLINE_S)
        assert client.spawn.wait_for_service(DEADLINE_S)
        yield client
    finally:
        client.close()
        process.send_signal(signal.SIGTERM)
        status = process.wait(DEADLINE_S)
    assert status == 0


@pytest.fixture(scope='module')
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(tmp_path_factory.mktemp('sim')) as client:
        yield client


def trajectory(*points: tuple[float, list[float]]) -> FollowJointTrajectory.Goal:
    goal = FollowJointTrajectory.Goal()
    goal.trajectory.joint_names = list(ARM_JOINTS)
    for time_s, positions in points:
        goal.trajectory.points.append(
            JointTrajectoryPoint(
                positions=positions,
                velocities=[0.0] * 6,
                time_from_start=Duration(sec=int(time_s), nanosec=int(time_s % 1 * 1e9)),
            )
        )
    return goal


def stamp_ns(message: Any) -> int:
    return int(message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec)


def positions(client: Client) -> np.ndarray:
    return np.array(client.newest('joint_states').position)


def turned(client: Client, angle: float) -> list[float]:
    goal = positions(client)
    goal[0] += angle
    return goal.tolist()


def test_robot_and_gripper_are_published(client: Client) -> None:
    assert client.newest('joint_states').name == list(ARM_JOINTS)
    assert client.newest('gripper/wrench').header.frame_id == 'tcp'
    assert client.newest('gripper/vacuum').fluid_pressure == pytest.approx(101325.0)
    assert client.newest('/clock').clock.sec >= 0
    client.until(lambda: client.got['robot_description'], 'robot_description')
    assert client.got['robot_description'][-1].data == cell_urdf()
    client.until(lambda: 'workspace' in client.frames.frames.names, '/tf_static')
    at = client.frames.frames.lookup('workspace', 'overhead_camera_optical_frame')
    np.testing.assert_allclose(at[:3, 3], [0, -0.5, 1.1], atol=1e-9)
    reach = client.frames.frames.lookup('tool0', 'tcp')
    np.testing.assert_allclose(reach[:3, 3], [0, 0, 0.14], atol=1e-9)


def test_joint_states_come_at_their_rate_of_simulated_time(client: Client) -> None:
    got = client.got['joint_states']
    got.clear()
    client.until(lambda: len(got) > 100, '100 joint states')
    # This client may lose some: what it got tells when they were sent.
    steps = np.diff([stamp_ns(message) for message in got]) / 8_000_000
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert round(steps.min()) == 1


def test_the_three_images_carry_one_stamp(client: Client) -> None:
    def same() -> Any:
        stamps = [
            {stamp_ns(message): message for message in client.got[topic]}
            for topic in ('camera/color/image_raw', 'camera/depth/image_raw', 'camera/camera_info')
        ]
        common = set(stamps[0]) & set(stamps[1]) & set(stamps[2])
        return common and [by_stamp[max(common)] for by_stamp in stamps]

    color, depth, info = client.until(same, 'colour, depth and camera_info of one time')
    assert (color.encoding, color.width, color.height, color.step) == ('rgb8', 640, 480, 1920)
    assert (depth.encoding, depth.step, len(depth.data)) == ('16UC1', 1280, 640 * 480 * 2)
    assert color.header.frame_id == depth.header.frame_id == 'overhead_camera_optical_frame'
    assert info.k[0] == info.k[4] == pytest.approx(240 / np.tan(np.radians(22.5)))
    assert np.median(np.frombuffer(depth.data, np.uint16)) == pytest.approx(1100, abs=10)


def test_the_operators_view_comes_when_somebody_looks(client: Client) -> None:
    subscription = client.listen(Image, 'operator_camera/image_raw', SENSOR)
    assert client.newest('operator_camera/image_raw').encoding == 'rgb8'
    client.node.destroy_subscription(subscription)


def test_the_wrist_camera_takes_pictures_while_watched_and_tf_tells_from_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, so that it can be asked what it renders; noisy, and the arm moves."""
    asked: list[str] = []

    class Photographer(cap_sim.photographer.Photographer):
        def take(self, camera: str, shot: Any) -> None:
            asked.append(camera)
            super().take(camera, shot)

    monkeypatch.setattr('cap_sim.node.Photographer', Photographer)
    extra = tmp_path / 'more.yaml'
    parameters = {'robot_description': cell_urdf(), 'depth_encoding': '32FC1'}
    extra.write_text(yaml.safe_dump({'/**/sim': {'ros__parameters': parameters}}))
    domain = free_domain_id()
    noisy = CONFIG.with_name('noisy.yaml')
    files = [word for file in (CONFIG, noisy, extra) for word in ('--params-file', str(file))]
    rclpy.init(args=['--ros-args', *files], domain_id=domain)
    client = Client(domain)
    node = SimNode()
    try:
        color, depth, info = (f'wrist_camera/{name}' for name in _OF_A_CAMERA)
        client.newest('camera/depth/image_raw')
        assert set(asked) == {'overhead'}
        goal = np.add(node.cell.state().q, (0.5, 0.2, -0.2, 0.3, 0.4, 1.0))
        points = [Waypoint(30.0, tuple(goal), (0.0,) * 6)]
        path = PreparedTrajectory(ARM_JOINTS, points, node.cell.limits, 0.05)
        node.cell.follow(path.join, Tolerances(np.full(6, 0.1), np.full(6, 0.01), 1.0))
        for topic in (color, depth):
            client.listen(Image, topic, SENSOR)
        client.listen(CameraInfo, info, SENSOR)
        client.listen(TFMessage, '/tf', 100)

        def same() -> Any:
            stamps = [
                {stamp_ns(message): message for message in client.got[topic]}
                for topic in (color, depth, info, 'joint_states')
            ]
            stamps.append({stamp_ns(each.transforms[0]): each for each in client.got['/tf']})
            common = set.intersection(*map(set, stamps))
            return common and [by_stamp[max(common)] for by_stamp in stamps]

        got_color, got_depth, got_info, joints, tf = client.until(same, 'a picture and its TF')
        frame = 'wrist_camera_color_optical_frame'
        assert got_color.header.frame_id == got_depth.header.frame_id == frame
        assert got_info.header.frame_id == frame
        assert (got_color.encoding, got_depth.encoding) == ('rgb8', '32FC1')
        distances = np.frombuffer(got_depth.data, np.float32)
        assert np.isnan(distances).any()
        assert 0.05 < np.nanmin(distances) < 0.15, 'its own tool'
        client.until(lambda: frame in client.frames.frames.names, '/tf_static')
        for each in tf.transforms:
            client.frames.frames.add(
                each.header.frame_id, each.child_frame_id, matrix_from_transform(each.transform)
            )
        positions = dict(zip(joints.name, joints.position, strict=True))
        expected = transform(cell_urdf(), 'workspace', frame, positions)
        found = client.frames.frames.lookup('workspace', frame)
        np.testing.assert_allclose(found, expected, atol=1e-9)
    finally:
        node.close()
        node.destroy_node()
        client.close()
        rclpy.shutdown()


def test_every_picture_flows(client: Client) -> None:
    """What no writer of the profile names leaves in one burst, of which most gets lost."""
    named = {writer.get('profile_name') for writer in ET.parse(PROFILE).iterfind('{*}data_writer')}

    def pictures() -> set[str]:
        topics = client.node.get_publisher_names_and_types_by_node('sim', '/')
        return {name for name, types in topics if types == ['sensor_msgs/msg/Image']}

    client.until(lambda: 'sim' in client.node.get_node_names(), 'the node')
    client.until(lambda: pictures() == named, f'just the pictures {named}')


def test_a_trajectory_is_followed(client: Client) -> None:
    goal = turned(client, 0.5)
    handle = client.send(trajectory((0.8, goal)))
    response = client.result(handle.get_result_async())
    assert response.status == GoalStatus.STATUS_SUCCEEDED, response.result.error_string
    np.testing.assert_allclose(positions(client), goal, atol=0.005)


def test_what_it_refuses_it_says(client: Client) -> None:
    wrong_names = trajectory((1.0, turned(client, 0.1)))
    wrong_names.trajectory.joint_names[0] = 'shoulder'
    for goal, code, text in (
        (wrong_names, Result.INVALID_JOINTS, 'shoulder_pan_joint'),
        (trajectory((0.1, turned(client, 2.0))), Result.INVALID_GOAL, 'its limit is 3.142 rad/s'),
        (trajectory(), Result.INVALID_GOAL, 'no points'),
    ):
        response = client.result(client.send(goal).get_result_async())
        assert response.status == GoalStatus.STATUS_ABORTED
        assert response.result.error_code == code
        assert text in response.result.error_string


def test_a_cancel_brakes_and_holds(client: Client) -> None:
    goal = turned(client, -1.5)
    handle = client.send(trajectory((12.0, goal)))
    ended = handle.get_result_async()
    client.until(lambda: abs(client.newest('joint_states').velocity[0]) > 0.1, 'the arm moves')
    client.result(handle.cancel_goal_async())
    assert client.result(ended).status == GoalStatus.STATUS_CANCELED
    client.until(
        lambda: np.abs(client.newest('joint_states').velocity).max() < 0.01, 'the arm stands'
    )
    rest = positions(client)
    assert abs(rest[0] - goal[0]) > 0.1, 'it stopped on its way'
    for _ in range(20):
        np.testing.assert_allclose(positions(client), rest, atol=0.002)


def test_a_new_goal_preempts(client: Client) -> None:
    first = client.send(trajectory((20.0, turned(client, 1.0))))
    first_ended = first.get_result_async()
    client.until(lambda: client.newest('joint_states').velocity[0] > 0.02, 'the arm moves')
    goal = turned(client, 0.2)
    second = client.send(trajectory((1.0, goal)))
    response = client.result(first_ended)
    assert response.status == GoalStatus.STATUS_ABORTED
    assert 'newer' in response.result.error_string
    assert client.result(second.get_result_async()).status == GoalStatus.STATUS_SUCCEEDED
    np.testing.assert_allclose(positions(client), goal, atol=0.005)


def test_suction_in_free_air_holds_nothing(client: Client) -> None:
    for position in (0.0, 1.0):
        goal = GripperCommand.Goal()
        goal.command.position = position
        handle = client.result(client.gripper.send_goal_async(goal))
        result = client.result(handle.get_result_async()).result
        assert result.reached_goal
        assert not result.stalled


def test_a_reset_gives_the_world_asked_for(client: Client) -> None:
    answer = client.call_reset(seed=9, block_colors=['red', 'cyan'], bowl_colors=['pink'])
    assert answer.success, answer.message
    wanted = ['red block', 'cyan block', 'pink bowl']
    scene = client.until(
        lambda: (
            [item.name for item in client.newest('sim/ground_truth').objects] == wanted
            and client.got['sim/ground_truth'][-1]
        ),
        'the new world',
    )
    assert scene.header.frame_id == 'workspace'
    assert scene.objects[0].pose.position.z == pytest.approx(0.02, abs=0.001)
    assert scene.objects[2].size.x == pytest.approx(0.12)
    refused = client.call_reset(block_colors=['mauve'])
    assert not refused.success
    assert 'mauve' in refused.message
    # The camera shows the new world too. A picture of the old one may be under way.
    color = client.until(
        lambda: (
            stamp_ns(picture := client.newest('camera/color/image_raw')) > stamp_ns(scene)
            and picture
        ),
        'a picture of the new world',
    )
    picture = np.frombuffer(color.data, np.uint8).reshape(480, 640, 3).astype(int)
    assert (np.abs(picture - [255, 87, 89]).max(axis=2) < 15).sum() > 200


def test_an_egg_comes_into_a_world_of_fruits(client: Client) -> None:
    assert client.call_reset(world='fruits', seed=2).success
    answer = client.call_spawn(kind='egg')
    assert (answer.success, answer.name) == (True, 'egg'), answer.message
    egg = client.until(
        lambda: next(
            (o for o in client.newest('sim/ground_truth').objects if o.name == 'egg'), None
        ),
        'the egg',
    )
    assert (egg.class_name, egg.color) == ('egg', 'white')
    assert {o.name for o in client.newest('sim/ground_truth').objects} >= {'apple', 'green plate'}
    again = client.call_spawn(kind='egg')
    assert not again.success
    assert 'more than one egg' in again.message
    assert not client.call_reset(world='moon').success


def test_a_block_is_moved_and_taken_away(client: Client) -> None:
    assert client.call_reset(seed=2, block_colors=['red'], bowl_colors=['blue']).success

    def block() -> Any:
        objects = client.newest('sim/ground_truth').objects
        return next((item for item in objects if item.name == 'red block'), None)

    answer = client.call_move(name='red block', position=[0.25, -0.75])
    assert answer.success, answer.message
    client.until(lambda: abs(block().pose.position.x - 0.25) < 1e-3, 'the block')
    answer = client.call_move(name='red block')
    assert (answer.success, answer.message) == (True, 'red block is gone')
    client.until(lambda: block() is None, 'its absence')
    again = client.call_move(name='red block')
    assert not again.success
    assert again.message == "no object 'red block'; there are blue bowl"


def test_ink_on_a_board_is_told(tmp_path: Path, bench: Callable[..., Any]) -> None:
    urdf = cell_urdf(tool='marker')
    with running(tmp_path, robot_description=urdf, world='whiteboard') as client:
        client.listen(PointCloud2, 'sim/ink', LATCHED)
        clouds = client.got['sim/ink']
        client.until(lambda: clouds, 'what is on the clean board')
        assert (clouds[-1].header.frame_id, clouds[-1].width) == ('whiteboard', 0)
        names = [item.name for item in client.newest('sim/ground_truth').objects]
        assert {'apple', 'lemon'} < set(names)
        assert len(names) == 4
        assert client.newest('gripper/wrench').header.frame_id == 'tcp'
        assert not client.got['gripper/vacuum']

        pose = np.diag([1.0, -1.0, -1.0, 1.0])
        pose[:3, 3] = 0.5, 0.05, 0.002
        touching = bench(tool='marker').joints_at(pose).tolist()
        handle = client.send(trajectory((4.0, touching)))
        assert client.result(handle.get_result_async()).status == GoalStatus.STATUS_SUCCEEDED
        client.until(lambda: clouds[-1].width > 0, 'ink')
        x, y, stroke = np.frombuffer(clouds[-1].data, '<f4').reshape(-1, 3)[-1]
        assert (x, y, stroke) == pytest.approx((0.05, 0.0, 0.0), abs=0.002)
        assert client.call_reset(seed=3).success
        client.until(lambda: clouds[-1].width == 0, 'a clean board')
        refused = client.call_reset(seed=3, world='fruits')
        assert not refused.success
        assert "there is 'whiteboard'" in refused.message


def test_a_simulator_that_cannot_take_pictures_ends(tmp_path: Path) -> None:
    """It ends with 1: whoever started it may start another."""
    domain = free_domain_id()
    no_display = 'import cap_sim.photographer; cap_sim.photographer.View = None'
    process = start(tmp_path, domain, no_display)
    client = Client(domain)
    try:
        assert process.wait(DEADLINE_S) == 1
    finally:
        process.kill()
        client.close()


def test_a_cell_with_a_jaw_tells_of_its_fingers_and_of_no_vacuum(tmp_path: Path) -> None:
    with running(tmp_path, robot_description=cell_urdf(tool='jaw')) as client:
        assert client.newest('joint_states').name == [*ARM_JOINTS, 'left_finger_joint']
        goal = GripperCommand.Goal()
        goal.command.position = 0.03
        handle = client.result(client.gripper.send_goal_async(goal))
        result = client.result(handle.get_result_async()).result
        assert result.reached_goal
        assert not result.stalled
        assert result.position == pytest.approx(0.03, abs=3e-4)
        closed = client.newest('joint_states').position[-1]
        assert closed == pytest.approx((0.085 - 0.03) / 2, abs=2e-4)
        client.until(lambda: 'right_pad_link' in client.frames.frames.names, '/tf_static')
        pad = client.frames.frames.lookup('tcp', 'right_pad_link')
        np.testing.assert_allclose(pad[:3, 3], [-0.0425, 0, 0], atol=1e-9)
        assert client.newest('gripper/wrench').header.frame_id == 'tcp'
        assert not client.got['gripper/vacuum']
