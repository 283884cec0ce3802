"""Against real services in this process."""

from functools import partial

import numpy as np
import pytest
from rclpy.node import Node
from sensor_msgs.msg import Image, RegionOfInterest

from cap_common.errors import InvalidGoalError, ObjectNotFoundError, PerceptionLostError
from cap_interfaces.msg import SceneObject as ObjectMessage
from cap_interfaces.srv import DetectObjects, GetMasks
from cap_planner import ros_eyes
from cap_planner.ros_eyes import RosEyes
from cap_planner.scene import SceneObject

pytestmark = pytest.mark.system


class Perception(Node):
    """Answers as a test says."""

    def __init__(self, **kwargs):
        super().__init__('perception', **kwargs)
        self.asked = []
        self.response = None
        self.create_service(DetectObjects, 'perception/detect', self._answer)
        self.create_service(GetMasks, 'perception/get_masks', self._answer)

    def _answer(self, request, response):
        self.asked.append(request)
        return self.response or response

    def close(self):
        pass


@pytest.fixture
def perception(start):
    return start(Perception).node


@pytest.fixture
def eyes(start):
    return RosEyes(start(partial(Node, 'planner')).node)


def test_what_is_found(eyes, perception):
    found = ObjectMessage(name='red block', rgb=[1.0, 0.5, 0.25], mask='7/object_1')
    perception.response = DetectObjects.Response(objects=[found])
    (item,) = eyes.look_for('block', 0.5)
    assert (item.name, item.rgb, item.mask) == ('red block', (1.0, 0.5, 0.25), '7/object_1')
    (request,) = perception.asked
    assert (request.phrases, request.timeout_s) == (['block'], 0.5)


@pytest.mark.parametrize(
    ('code', 'raises'),
    [
        (DetectObjects.Response.INVALID_GOAL, InvalidGoalError),
        (DetectObjects.Response.PERCEPTION_LOST, PerceptionLostError),
    ],
)
def test_why_nobody_looks(eyes, perception, code, raises):
    perception.response = DetectObjects.Response(error_code=code, error_msg='because')
    with pytest.raises(raises, match='because'):
        eyes.look_for('block', 0.0)


def test_nothing_is_found(eyes, perception):
    code = DetectObjects.Response.OBJECT_NOT_FOUND
    perception.response = DetectObjects.Response(error_code=code)
    assert eyes.look_for('block', 0.0) == ()


def test_a_mask_is_one_of_the_whole_picture(eyes, perception):
    part = np.array([[255, 0], [255, 255]], np.uint8)
    image = Image(height=2, width=2, step=3, encoding='mono8')
    image.data = np.pad(part, ((0, 0), (0, 1)), constant_values=255).tobytes()
    region = RegionOfInterest(x_offset=2, y_offset=1, height=2, width=2)
    perception.response = GetMasks.Response(height=4, width=5, regions=[region], images=[image])
    thing = SceneObject('block', 'block', '', (0, 0, 0), (0, 0, 0), 0.0, True, mask='7/object_1')
    mask = eyes.mask(thing)
    assert mask.shape == (4, 5)
    assert np.argwhere(mask).tolist() == [[1, 2], [2, 2], [2, 3]]


def test_what_is_not_seen_has_no_mask(eyes):
    hidden = SceneObject('block', 'block', '', (0, 0, 0), (0, 0, 0), 0.0, False)
    with pytest.raises(ObjectNotFoundError, match='not seen'):
        eyes.mask(hidden)


def test_without_perception(eyes, monkeypatch):
    monkeypatch.setattr(ros_eyes, '_ANSWER_S', 0.05)
    with pytest.raises(PerceptionLostError, match='no server'):
        eyes.look_for('block', 0.0)
