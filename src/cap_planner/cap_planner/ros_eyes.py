"""What perception does when it is asked, through its services."""

from __future__ import annotations

from typing import Any

import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from cap_common.calls import call_service
from cap_common.errors import (
    ObjectNotFoundError,
    PerceptionLostError,
    RobotFaultError,
    error_from_result,
)
from cap_interfaces.srv import DetectObjects, GetMasks
from cap_planner.api.spec import Mask
from cap_planner.ros_scene import object_from_message
from cap_planner.scene import SceneObject

_ANSWER_S = 3.0
_TRIES = 2  # the answer to a client's first request can be lost


class RosEyes:
    """See cap_planner.scene.Eyes."""

    def __init__(self, node: Node) -> None:
        group = ReentrantCallbackGroup()
        self._detect = node.create_client(DetectObjects, 'perception/detect', callback_group=group)
        self._masks = node.create_client(GetMasks, 'perception/get_masks', callback_group=group)

    def look_for(self, phrase: str, timeout_s: float) -> tuple[SceneObject, ...]:
        """See Eyes."""
        request = DetectObjects.Request(phrases=[phrase], timeout_s=timeout_s)
        try:
            response = _answer(self._detect, request, timeout_s + _ANSWER_S)
        except ObjectNotFoundError:
            return ()
        return tuple(map(object_from_message, response.objects))

    def mask(self, item: SceneObject) -> Mask:
        """See Eyes."""
        if not item.mask:
            raise ObjectNotFoundError(f'{item.name!r} is not seen in the newest picture')
        response = _answer(self._masks, GetMasks.Request(masks=[item.mask]), _ANSWER_S)
        (region,), (image,) = response.regions, response.images
        mask = np.zeros((response.height, response.width), bool)
        rows = np.frombuffer(image.data, np.uint8).reshape(image.height, image.step)
        part = np.s_[
            region.y_offset : region.y_offset + region.height,
            region.x_offset : region.x_offset + region.width,
        ]
        mask[part] = rows[:, : image.width] > 0
        return mask


def _answer(client: Any, request: Any, deadline_s: float) -> Any:
    """The response.

    Raises:
        PerceptionLostError: there is none.
        CapError: the one it carries.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            response = call_service(client, request, deadline_s)
            break
        except RobotFaultError as lost:
            if not tries_left:
                raise PerceptionLostError(f'{lost}: is perception running?') from lost
    if error := error_from_result(response):
        raise error
    return response
