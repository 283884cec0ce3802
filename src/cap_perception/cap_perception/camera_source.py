"""Scenes from the colour and depth camera."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from cap_common.frames import Matrix, UnknownFrameError
from cap_common.qos import SENSOR
from cap_common.static_tf import StaticTransformListener
from cap_perception.detector import make_detector
from cap_perception.images import (
    UnsupportedImageError,
    check_set,
    depth_from_image,
    intrinsics_from_info,
    rgb_from_image,
)
from cap_perception.parameters import PerceptionParameters
from cap_perception.pipeline import Pipeline
from cap_perception.robot_view import RobotView
from cap_perception.sync import StampSynchronizer
from cap_perception.types import CameraFrame, Scene

_TOPICS: dict[str, Any] = {
    'camera/color/image_raw': Image,
    'camera/depth/image_raw': Image,
    'camera/camera_info': CameraInfo,
}


class CameraSource:
    """A scene for every complete set of colour, depth and camera_info of one stamp.

    Pictures that give none are told of, and the next ones are tried: a camera may be set right.
    """

    def __init__(
        self, node: Node, parameters: PerceptionParameters, on_scene: Callable[[Scene], None]
    ) -> None:
        self._logger = node.get_logger()
        self._workspace = parameters.workspace_frame
        self._on_scene = on_scene
        self._pipeline = Pipeline(make_detector(parameters.detector, parameters), parameters)
        self._transforms = StaticTransformListener(node)
        self._robot = RobotView(node, self._workspace) if parameters.hide_robot else None
        self._synchronizer = StampSynchronizer(list(_TOPICS))
        group = MutuallyExclusiveCallbackGroup()
        self._subscriptions = [
            node.create_subscription(
                message_type, topic, partial(self._add, topic), SENSOR, callback_group=group
            )
            for topic, message_type in _TOPICS.items()
        ]

    def forget(self) -> None:
        """See SceneSource."""
        self._pipeline.forget()

    def close(self) -> None:
        """See SceneSource."""
        if self._robot is not None:
            self._robot.close()

    def _add(self, topic: str, message: Any) -> None:
        stamp = message.header.stamp
        stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        complete = self._synchronizer.add(topic, stamp_ns, message)
        if complete is None:
            return
        try:
            frame = self._frame(stamp_ns, *complete)
            hidden = self._robot.at(stamp_ns) if self._robot else None
            scene = self._pipeline.process(frame, hidden)
        except (UnsupportedImageError, UnknownFrameError) as error:
            self._logger.warning(f'no scene: {error}', throttle_duration_sec=5.0)
        except Exception:
            # A detector is anybody's code: what it raises must not end the node.
            self._logger.error(f'no scene: {traceback.format_exc()}', throttle_duration_sec=5.0)
        else:
            if scene is not None:
                self._on_scene(scene)

    def _frame(self, stamp_ns: int, color: Image, depth: Image, info: CameraInfo) -> CameraFrame:
        check_set(color, depth, info)
        return CameraFrame(
            rgb=rgb_from_image(color),
            depth=depth_from_image(depth),
            intrinsics=intrinsics_from_info(info),
            workspace_from_camera=self._workspace_from(depth.header.frame_id),
            stamp_ns=stamp_ns,
        )

    def _workspace_from(self, camera_frame: str) -> Matrix:
        return self._transforms.frames.lookup(self._workspace, camera_frame)
