"""The sim node: the ROS interface of a real cell, in front of the simulated one."""

from __future__ import annotations

import functools
import math
import threading
from dataclasses import dataclass
from typing import Any, NamedTuple

from geometry_msgs.msg import WrenchStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, FluidPressure, Image, JointState, PointCloud2
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

from cap_common.parameters import load_parameters
from cap_common.qos import LATCHED, PICTURES, SENSOR
from cap_common.spin import run_node
from cap_common.static_tf import broadcast_static
from cap_description import ARM_JOINTS, LinkTree, resting_transforms
from cap_interfaces.msg import Scene
from cap_interfaces.srv import MoveObject, ResetWorld, SpawnObject
from cap_sim import convert
from cap_sim.board import find_board
from cap_sim.camera import HEIGHT, WIDTH, Depth, Rgb, intrinsics
from cap_sim.cell import Cell, CellState, PhysicsError
from cap_sim.controllers import GripperController, TrajectoryController
from cap_sim.ink import Drawing
from cap_sim.layout import BLOCKS, LayoutError, draw_layout, random_layout, with_clutter
from cap_sim.pace import Pace, Rate
from cap_sim.parameters import Parameters
from cap_sim.photographer import Photographer, Shot
from cap_sim.placement import parse_layout
from cap_sim.spawn import move, spawn
from cap_sim.world import (
    OPERATOR_CAMERA,
    OVERHEAD_CAMERA,
    RGBD_FRAMES,
    TIMESTEP_S,
    WRIST_CAMERA,
)

# Where the pictures of each camera go.
_CAMERA_TOPICS = {OVERHEAD_CAMERA: 'camera', WRIST_CAMERA: 'wrist_camera'}
_NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_THREADS = 6
# How often ink that has changed is told, in simulated time.
_INK_RATE_HZ = 5.0


class _CameraPublishers(NamedTuple):
    """Of a camera of colour and depth."""

    color: Any
    depth: Any
    info: Any


@dataclass(frozen=True)
class NodeParameters(Parameters):
    """Parameters of the cell, and the robot's URDF as all nodes get it."""

    robot_description: str


class SimNode(Node):
    """Runs the cell in a thread of its own and publishes it."""

    def __init__(self) -> None:
        super().__init__('sim')
        self._settings = p = load_parameters(self, NodeParameters)
        board = find_board(p.robot_description)
        layout = (
            parse_layout(p.objects)
            if p.objects
            else draw_layout(p.world, p.seed, p.blocks, p.bowls, board)
        )
        # A board is cleared before it is drawn on.
        self._clutter = p.variation.clutter if board is None else 0
        self.cell = Cell(p.robot_description, p, with_clutter(layout, p.seed, self._clutter))
        self._intrinsics = intrinsics(WIDTH, HEIGHT, p.camera_fovy_deg)
        self._links = LinkTree(p.robot_description)
        self._make_publishers()
        self._latch(p.robot_description)
        self._controllers = (
            TrajectoryController(self, self.cell, p),
            GripperController(self, self.cell),
        )
        self._world_services = (
            self.create_service(ResetWorld, 'sim/reset', self._reset),
            self.create_service(SpawnObject, 'sim/spawn', self._spawn),
            self.create_service(MoveObject, 'sim/move', self._move),
        )
        self._closing = threading.Event()
        self._photographer = Photographer(p, self._publish_rgbd, self._publish_operator, self._fail)
        self._physics = threading.Thread(target=self._run, name='physics', daemon=True)
        self._photographer.start()
        self._physics.start()
        self._log_layout()

    def _make_publishers(self) -> None:
        make = functools.partial(self.create_publisher, qos_profile=SENSOR)
        self._joint_states = make(JointState, 'joint_states')
        self._wrench = make(WrenchStamped, 'gripper/wrench')
        self._vacuum = make(FluidPressure, 'gripper/vacuum')
        self._cameras = {
            camera: _CameraPublishers(
                self.create_publisher(Image, f'{topic}/color/image_raw', PICTURES),
                self.create_publisher(Image, f'{topic}/depth/image_raw', PICTURES),
                self.create_publisher(CameraInfo, f'{topic}/camera_info', PICTURES),
            )
            for camera, topic in _CAMERA_TOPICS.items()
        }
        self._operator = make(Image, 'operator_camera/image_raw')
        self._tf = self.create_publisher(TFMessage, '/tf', 100)
        self._clock_topic = self.create_publisher(Clock, '/clock', _NEWEST)
        self._truth = self.create_publisher(Scene, 'sim/ground_truth', 1)
        self._ink = self.create_publisher(PointCloud2, 'sim/ink', LATCHED)
        self._told: Drawing | None = None
        self._description = self.create_publisher(String, 'robot_description', LATCHED)

    def _latch(self, urdf: str) -> None:
        # Springs have no encoder, and are latched where they rest; fingers, where they are open.
        broadcast_static(self, resting_transforms(urdf, moving=ARM_JOINTS))
        self._description.publish(String(data=urdf))

    def _log_layout(self) -> None:
        names = ', '.join(spec.name for spec in self.cell.layout.objects)
        self.get_logger().info(f'the world has {names or "no objects"}')

    def _run(self) -> None:
        """The physics thread."""
        try:
            self._loop()
        except Exception as error:
            self._fail(f'the simulation ends: {error!r}')

    def _fail(self, why: str) -> None:
        """End the process, from a thread without which it is no use; its supervisor starts another.

        A shutdown takes the publishers away under these threads: that is no fault of theirs.
        """
        if self.context.ok():
            self.get_logger().fatal(why)
            self.context.try_shutdown()

    def _loop(self) -> None:
        p = self._settings
        steps = max(round(1.0 / (p.joint_rate_hz * TIMESTEP_S)), 1)
        pace = Pace(p.real_time_factor)
        clock, truth = Rate(p.clock_rate_hz), Rate(p.truth_rate_hz)
        ink = Rate(_INK_RATE_HZ)
        cameras = {
            OVERHEAD_CAMERA: Rate(p.camera_rate_hz),
            WRIST_CAMERA: Rate(p.wrist_camera_rate_hz),
            OPERATOR_CAMERA: Rate(p.operator_rate_hz),
        }
        watched = {**self._cameras, OPERATOR_CAMERA: (self._operator,)}
        diverged = False
        while not self._closing.wait(pace.delay_s(self.cell.time_s)):
            try:
                self.cell.step(steps)
                diverged = False
            except PhysicsError as error:
                if not diverged:
                    self.get_logger().fatal(f'{error}; waiting for sim/reset')
                diverged = True
                self._closing.wait(0.1)
                continue
            state = self.cell.state()
            is_told = clock.due(state.time_s)
            if is_told:
                self._clock_topic.publish(Clock(clock=convert.time_message(state.time_s)))
            self._publish_robot(state)
            if truth.due(state.time_s):
                self._truth.publish(convert.scene(state))
            if ink.due(state.time_s):
                self._publish_ink(state.time_s)
            due = [camera for camera, rate in cameras.items() if rate.due(state.time_s)]
            # Those who listen find where the wrist camera was at a picture's very stamp.
            if (is_told or WRIST_CAMERA in due) and self._watched(self._tf):
                self._tf.publish(convert.arm_transforms(state, self._links))
            for camera in due:
                if self._watched(*watched[camera]):
                    self._photographer.take(camera, Shot(*self.cell.picture_state()))

    @staticmethod
    def _watched(*publishers: Any) -> bool:
        return any(publisher.get_subscription_count() for publisher in publishers)

    def _publish_robot(self, state: CellState) -> None:
        self._joint_states.publish(convert.joint_state(state))
        self._wrench.publish(convert.wrench(state))
        if not math.isnan(state.tool.pressure_pa):
            self._vacuum.publish(convert.vacuum(state))

    def _publish_ink(self, time_s: float) -> None:
        drawing = self.cell.drawing()
        if drawing is not None and drawing is not self._told:
            self._told = drawing
            self._ink.publish(convert.ink(time_s, drawing.points))

    def _publish_rgbd(self, camera: str, time_s: float, rgb: Rgb, depth: Depth) -> None:
        to, frame = self._cameras[camera], RGBD_FRAMES[camera]
        to.info.publish(convert.camera_info(time_s, frame, self._intrinsics))
        encoding = self._settings.depth_encoding
        to.depth.publish(convert.depth_image(time_s, frame, encoding, depth))
        to.color.publish(convert.image(time_s, frame, 'rgb8', rgb))

    def _publish_operator(self, time_s: float, rgb: Rgb) -> None:
        self._operator.publish(convert.image(time_s, convert.OPERATOR_FRAME, 'rgb8', rgb))

    def _reset(
        self, request: ResetWorld.Request, response: ResetWorld.Response
    ) -> ResetWorld.Response:
        try:
            if request.world in ('', BLOCKS) and self.cell.board is None:
                layout = random_layout(
                    request.seed,
                    request.blocks,
                    request.bowls,
                    tuple(request.block_colors),
                    tuple(request.bowl_colors),
                )
            else:
                layout = draw_layout(request.world, request.seed, 0, 0, self.cell.board)
            layout = with_clutter(layout, request.seed, self._clutter)
        except LayoutError as error:
            response.message = str(error)
            return response
        self.cell.reset(layout)
        self._log_layout()
        response.success = True
        names = ', '.join(spec.name for spec in layout.objects) or 'no objects'
        response.message = f'at {self.cell.time_s:.3f} s, seed {request.seed}: {names}'
        return response

    def _spawn(
        self, request: SpawnObject.Request, response: SpawnObject.Response
    ) -> SpawnObject.Response:
        try:
            added = spawn(
                self.cell,
                request.kind,
                request.color,
                tuple(request.position),
                request.yaw,
                request.seed,
            )
        except LayoutError as error:
            response.message = str(error)
            return response
        response.success, response.name = True, added.name
        response.message = (
            f'{added.name} at x={added.xy[0]:.3f}, y={added.xy[1]:.3f} m of workspace'
        )
        self.get_logger().info(f'there is one more object: {response.message}')
        return response

    def _move(
        self, request: MoveObject.Request, response: MoveObject.Response
    ) -> MoveObject.Response:
        try:
            response.message = move(self.cell, request.name, tuple(request.position), request.yaw)
        except LayoutError as error:
            response.message = str(error)
            return response
        response.success = True
        self.get_logger().info(response.message)
        return response

    def close(self) -> None:
        """End the threads."""
        self._closing.set()
        self._physics.join(5.0)
        self._photographer.close()


def main() -> int:
    """Run the node."""
    return run_node(SimNode, threads=_THREADS)
