"""Scenes from the colour and depth camera."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Sequence
from functools import partial
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image

from cap_common.frames import Matrix, UnknownFrameError
from cap_common.qos import PICTURES, SENSOR
from cap_common.static_tf import MovingTransformListener, StaticTransformListener
from cap_perception.checked import CheckedDetector, DetectorFaultError
from cap_perception.detector import ListeningDetector, make_detector
from cap_perception.health import Health
from cap_perception.images import (
    UnsupportedImageError,
    check_depth,
    check_set,
    depth_from_image,
    intrinsics_from_info,
    rgb_from_image,
)
from cap_perception.lookout import Finding, Lookout
from cap_perception.parameters import PerceptionParameters
from cap_perception.phrases import NoPhrasesError, UnknownPhraseError
from cap_perception.pipeline import Pipeline
from cap_perception.robot_view import RobotView
from cap_perception.sources import OnScene, View
from cap_perception.sync import Backlog, StampSynchronizer
from cap_perception.types import CameraFrame

_TOPICS: dict[str, Any] = {
    'camera/color/image_raw': Image,
    'camera/depth/image_raw': Image,
    'camera/camera_info': CameraInfo,
}
# Stamp [ns], colour, depth and camera_info.
_Pictures = Backlog[tuple[int, Image, Image, CameraInfo]]
# What a picture, or the configuration, may have wrong.
_FAULTS = (
    UnsupportedImageError,
    UnknownFrameError,
    DetectorFaultError,
    NoPhrasesError,
    UnknownPhraseError,
)
_PATIENCE_S = 0.25  # of a picture while those before it are looked at
_TRANSFORM_S = 0.2  # which a transform may come after its picture
_STOP_S = 5.0  # for the picture that is being looked at


class CameraSource:
    """A scene for every complete set of colour, depth and camera_info of one stamp.

    Pictures are looked at in a thread of their own, one after the other; those that wait too long
    are skipped for newer ones: a slow detector costs scenes, and no beats. Those that give no scene
    are told of, and the next ones are tried: a camera may be set right.
    """

    def __init__(self, node: Node, parameters: PerceptionParameters, on_scene: OnScene) -> None:
        self._node = node
        self._parameters = parameters
        self._on_scene = on_scene
        detector = make_detector(parameters.detector, parameters)
        self._listening = detector if isinstance(detector, ListeningDetector) else None
        self._detector = CheckedDetector(detector, parameters.detector)
        self.health = Health(list(_TOPICS), parameters.silence_s)
        self._lookout = Lookout(parameters.silence_s, self._is_idle)
        self._forget = threading.Event()

    def start(self) -> None:
        """See SceneSource."""
        node, workspace = self._node, self._parameters.workspace_frame
        self._pipeline = Pipeline(self._detector, self._parameters)
        self._transforms = StaticTransformListener(node)
        hides, follows = self._parameters.hide_robot, self._parameters.follow_held
        self._robot = RobotView(node, workspace, always=hides) if hides or follows else None
        self._synchronizer = StampSynchronizer(list(_TOPICS))
        self._moving: MovingTransformListener | None = None
        self._pictures: _Pictures = Backlog(_PATIENCE_S)
        self._worker = threading.Thread(
            target=self._work, args=[self._pictures], name='pictures', daemon=True
        )
        self._worker.start()
        if self._listening is not None:
            self._listening.start(node)
        self._subscriptions: dict[str, Any] = {}
        for topic in _TOPICS:
            self._subscribe(topic, PICTURES)

    def stop(self) -> None:
        """See SceneSource."""
        for subscription in self._subscriptions.values():
            self._node.destroy_subscription(subscription)
        self._transforms.close()
        if self._listening is not None:
            self._listening.stop()
        if self._robot is not None:
            self._robot.close()
        self._pictures.close()
        self._worker.join(_STOP_S)
        self._stop_moving()

    def forget(self) -> None:
        """See SceneSource."""
        self._forget.set()
        self._pictures.clear()

    def look_for(self, phrases: Sequence[str], timeout_s: float) -> Finding:
        """See SceneSource."""
        return self._lookout.look_for(phrases, timeout_s, lambda: self.health.report().message)

    def _is_idle(self) -> bool:
        return self._pictures.is_idle()

    def _subscribe(self, topic: str, qos: QoSProfile) -> None:
        self._subscriptions[topic] = self._node.create_subscription(
            _TOPICS[topic],
            topic,
            partial(self._add, topic),
            qos,
            event_callbacks=SubscriptionEventCallbacks(
                incompatible_qos=lambda _: self._accept_losses(topic)
            ),
        )

    def _accept_losses(self, topic: str) -> None:
        """A camera that publishes best effort is not heard by who asks for more."""
        self._node.get_logger().info(f'{topic} is best effort: pictures may get lost')
        self._node.destroy_subscription(self._subscriptions[topic])
        self._subscribe(topic, SENSOR)

    def _add(self, topic: str, message: Any) -> None:
        self.health.heard(topic)
        stamp = message.header.stamp
        stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        complete = self._synchronizer.add(topic, stamp_ns, message)
        self.health.lost(self._synchronizer.take_lost())
        if complete is None:
            return
        self.health.complete()
        self._pictures.put((stamp_ns, *complete))

    def _fail(self, why: str) -> None:
        self.health.failed(why)
        self._node.get_logger().warning(f'no scene: {why}', throttle_duration_sec=5.0)

    def _tell_where(self) -> None:
        self._node.get_logger().error(traceback.format_exc(), throttle_duration_sec=5.0)

    # In the thread of the pictures ---------------------------------------------------------------

    def _work(self, pictures: _Pictures) -> None:
        while (item := pictures.take()) is not None:
            self.health.skipped(pictures.take_skipped())
            self.health.begun()
            try:
                self._use(pictures, *item)
            except _FAULTS as error:
                if error.__cause__ is not None:
                    self._tell_where()
                self._fail(str(error))
            except Exception as error:
                # One wrong picture must not blind the node.
                self._tell_where()
                self._fail(f'{type(error).__name__}: {error}')
            finally:
                self.health.ended()

    def _use(
        self, pictures: _Pictures, stamp_ns: int, color: Image, depth: Image, info: CameraInfo
    ) -> None:
        started = time.monotonic()
        frame = self._frame(stamp_ns, color, depth, info)
        if self._forget.is_set():
            self._forget.clear()
            self._pipeline.forget()
        hidden = held = None
        if self._robot is not None and self._parameters.hide_robot:
            hidden = self._robot.at(frame.stamp_ns)
        if self._robot is not None and self._parameters.follow_held:
            held = self._robot.held(frame.stamp_ns)
        scene = self._pipeline.process(frame, hidden, held)
        if self._forget.is_set() or pictures.is_closed():
            return  # it is of a world that is no more
        self.health.used(self._detector.seconds, time.monotonic() - started)
        if scene is not None:
            self._on_scene(scene, View(frame.rgb, color.header.frame_id))
        names = [thing.name for thing in scene.objects] if scene else []
        self._lookout.serve(frame.stamp_ns, self._pipeline.look, lambda: names)

    def _frame(self, stamp_ns: int, color: Image, depth: Image, info: CameraInfo) -> CameraFrame:
        check_set(color, depth, info)
        frame = CameraFrame(
            rgb=rgb_from_image(color),
            depth=depth_from_image(depth),
            intrinsics=intrinsics_from_info(info),
            workspace_from_camera=self._workspace_from(depth.header.frame_id, stamp_ns),
            stamp_ns=stamp_ns,
        )
        check_depth(frame.depth)
        return frame

    def _workspace_from(self, camera: str, stamp_ns: int) -> Matrix:
        """By what is fixed; by /tf, which comes often, only where that is not enough."""
        workspace, fixed = self._parameters.workspace_frame, self._transforms.frames
        try:
            pose = fixed.lookup(workspace, camera)
        except UnknownFrameError:
            if self._moving is None:
                self._moving = MovingTransformListener(self._node)
            history = self._moving.history
            return history.lookup(workspace, camera, stamp_ns, fixed, _TRANSFORM_S)
        self._stop_moving()
        return pose

    def _stop_moving(self) -> None:
        if self._moving is not None:
            self._moving.close()
            self._moving = None
