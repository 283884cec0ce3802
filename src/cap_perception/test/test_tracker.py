"""Identity over time, on painted depth pictures: a camera 1 m above the table, looking down."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from cap_common.frames import matrix_from_rpy
from cap_perception.deproject import pixels_of
from cap_perception.tracker import Tracker
from cap_perception.types import CameraFrame, HeldPose, Look, Observation
from cap_perception.visibility import Place, PlaceChecker

K = np.array([[400.0, 0, 319.5], [0, 400.0, 239.5], [0, 0, 1.0]])
CAMERA = matrix_from_rpy((0.0, -0.5, 1.0), (np.pi, 0.0, 0.0))
SIZES = {'block': (0.04, 0.04, 0.04), 'bowl': (0.12, 0.12, 0.045)}


def seen(name, x, y, z=0.02, yaw=0.0, score=1.0, complete=True):
    color, kind = name.split()
    pose = matrix_from_rpy((x, y, z), (0, 0, yaw))
    return Observation(kind, color, pose, SIZES[kind], score, complete)


class Movie:
    """Feeds a tracker: what is observed, and what stands on the table."""

    def __init__(self, config):
        self.tracker = Tracker(config)
        self.stamp_ns = 0

    def frame(self, *things):
        """Things are (x, y, top, width) [m]: level squares."""
        self.stamp_ns += 100_000_000
        depth = np.full((480, 640), 1.0, np.float32)
        frame = CameraFrame(np.zeros((480, 640, 3), np.uint8), depth, K, CAMERA, self.stamp_ns)
        for x, y, top, width in sorted(things, key=lambda t: t[2]):
            corners = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) * width / 2
            corners = np.column_stack([corners + np.array([x, y]), np.full(4, top)])
            pixels, _ = pixels_of(frame, corners)
            cv2.fillConvexPoly(depth, np.rint(pixels).astype(np.int32), 1.0 - top)
        return frame

    def play(self, observations, things=None, frames=1, held=None):
        if things is None:
            things = [(*o.workspace_from_box[:2, 3], o.workspace_from_box[2, 3] + o.size[2] / 2,
                       o.size[0]) for o in observations]  # fmt: skip
        for _ in range(frames):
            scene = self.tracker.update(self.frame(*things), observations, held)
        return {thing.name: thing for thing in scene.objects}


ARM = (0.0, -0.5, 0.3, 0.5)  # a big thing high above the middle


@pytest.fixture
def movie(parameters):
    return Movie(parameters.tracker)


def test_a_thing_is_believed_at_its_second_sighting(movie):
    block = seen('red block', 0.0, -0.5)
    assert movie.play([block]) == {}
    thing = movie.play([block])['red block']
    assert (thing.class_name, thing.color, thing.visible) == ('block', 'red', True)
    assert thing.stamp_ns == movie.stamp_ns


def test_a_single_false_sighting_is_nothing(movie):
    movie.play([seen('red block', 0.0, -0.5)])
    assert movie.play([], frames=3) == {}
    assert movie.play([seen('red block', 0.2, -0.5)]) == {}


def test_two_of_a_kind_get_numbers_that_stay(movie):
    left, right = seen('red block', -0.1, -0.5), seen('red block', 0.1, -0.5)
    before = movie.play([left, right], frames=3)
    assert sorted(before) == ['red block', 'red block 2']
    first = [left, right][int(before['red block'].workspace_from_box[0, 3] > 0)]
    other = right if first is left else left
    for order in ([right, left], [left, right]) * 3:
        assert movie.play(order)['red block'].id == before['red block'].id
    # The first leaves: the other keeps its name, and the next new one gets the free name.
    after = movie.play([other], frames=5)
    assert sorted(after) == ['red block 2']
    assert sorted(movie.play([first, other], frames=3)) == ['red block', 'red block 2']


def test_noise_is_averaged_and_a_move_is_not(movie):
    movie.play([seen('red block', 0.0, -0.5)], frames=3)
    thing = movie.play([seen('red block', 0.002, -0.5)])['red block']
    assert 0 < thing.workspace_from_box[0, 3] < 0.002
    thing = movie.play([seen('red block', 0.02, -0.5)])['red block']
    assert thing.workspace_from_box[0, 3] == pytest.approx(0.02)


def test_yaw_of_a_block_is_averaged_across_the_quarter_turn(movie):
    movie.play([seen('red block', 0, -0.5, yaw=np.radians(44.9))], frames=3)
    thing = movie.play([seen('red block', 0, -0.5, yaw=np.radians(-44.9))])['red block']
    yaw = np.degrees(np.arctan2(thing.workspace_from_box[1, 0], thing.workspace_from_box[0, 0]))
    assert 44.8 < yaw % 90 < 45.2


def test_hidden_things_stay_and_confidence_falls(movie):
    movie.play([seen('red block', 0.0, -0.5), seen('blue bowl', 0.1, -0.4, 0.0225)], frames=3)
    first = movie.play([], [ARM])
    last = movie.play([], [ARM], frames=100)
    for name in ('red block', 'blue bowl'):
        assert not first[name].visible
        assert 0.1 < last[name].confidence < first[name].confidence < 1
        assert last[name].id == first[name].id
        assert last[name].stamp_ns < movie.stamp_ns


def test_a_thing_goes_when_its_place_is_seen_empty(movie, parameters):
    movie.play([seen('red block', 0.0, -0.5)], frames=3)
    assert movie.play([], frames=parameters.tracker.empty_frames - 1)
    assert movie.play([]) == {}


def test_one_empty_look_is_not_enough(movie):
    movie.play([seen('red block', 0.0, -0.5)], frames=3)
    for _ in range(5):
        assert movie.play([], [])
        assert movie.play([], [ARM])


def test_half_covered_and_half_empty_is_empty(movie):
    movie.play([seen('red block', 0.0, -0.5)], frames=3)
    assert movie.play([], [(0.25, -0.5, 0.2, 0.5)], frames=4) == {}


def test_a_sliver_does_not_shift_a_thing_at_rest(movie):
    movie.play([seen('red block', 0.0, -0.5)], frames=3)
    sliver = seen('red block', 0.008, -0.5, score=0.5, complete=False)
    thing = movie.play([sliver], [ARM], frames=10)['red block']
    assert thing.workspace_from_box[0, 3] == 0.0
    assert thing.visible
    assert thing.confidence < 0.5


def test_slivers_that_insist_move_it(movie):
    movie.play([seen('red block', 0.0, -0.5)], frames=3)
    sliver = seen('red block', 0.03, -0.5, score=0.5, complete=False)
    thing = movie.play([sliver], [ARM], frames=3)['red block']
    assert thing.workspace_from_box[0, 3] == pytest.approx(0.03)


def test_a_thing_carried_far_keeps_its_id(movie):
    before = movie.play([seen('red block', -0.2, -0.5)], frames=3)
    after = movie.play([seen('red block', 0.2, -0.4)], frames=2)
    assert sorted(after) == ['red block']
    assert after['red block'].id == before['red block'].id
    assert after['red block'].workspace_from_box[0, 3] == pytest.approx(0.2)


def test_what_lies_under_another_has_not_moved(movie):
    low, high = seen('red block', 0, -0.5), seen('blue block', 0, -0.5, 0.06)
    before = movie.play([low], frames=3)
    movie.play([high], frames=3)
    after = movie.play([high, seen('red block', 0.2, -0.5)], frames=3)
    assert sorted(after) == ['blue block', 'red block', 'red block 2']
    assert after['red block'].id == before['red block'].id
    assert after['red block'].workspace_from_box[0, 3] == 0.0


def test_what_is_high_up_or_hardly_seen_is_not_born(movie):
    assert movie.play([seen('gray block', 0, -0.5, 0.3)], frames=5) == {}
    assert movie.play([seen('gray block', 0, -0.5, score=0.3, complete=False)], frames=5) == {}


def test_memory_ends(movie, parameters):
    before = movie.play([seen('red block', 0.0, -0.5)], frames=3)
    movie.play([], frames=5)
    movie.stamp_ns += int(parameters.tracker.memory_s * 1e9)
    movie.play([])
    after = movie.play([seen('red block', 0.0, -0.5)], frames=3)
    assert after['red block'].id != before['red block'].id


def test_places(movie):
    block = seen('red block', 0.0, -0.5)
    bowl = seen('red bowl', 0.0, -0.5, 0.0225)

    def look(thing, *things):
        checker = PlaceChecker(movie.frame(*things))
        return checker.check(thing.class_name, thing.workspace_from_box, thing.size)

    top = (0.0, -0.5, 0.04, 0.04)
    assert look(block, top) is Place.OCCUPIED
    assert look(block, ARM) is Place.HIDDEN
    assert look(block, (0.0, -0.5, 0.08, 0.04)) is Place.HIDDEN
    assert look(block) is Place.EMPTY
    assert look(bowl) is Place.EMPTY
    assert look(bowl, (0.0, -0.5, 0.045, 0.12)) is Place.OCCUPIED
    # Inside a bowl its rim says nothing about what fills it; a block there does not hide the bowl.
    assert look(bowl, (0.0, -0.5, 0.045, 0.12), (0.0, -0.5, 0.085, 0.04)) is Place.OCCUPIED
    outside = seen('red block', 3.0, -0.5)
    assert look(outside) is Place.HIDDEN


def tool(x, y, z, yaw=0.0):
    """The gripper there, pointing down, something in it."""
    return HeldPose(matrix_from_rpy((x, y, z), (np.pi, 0, yaw)))


def test_what_is_held_goes_with_the_tool_unseen(movie):
    twins = seen('red block', -0.1, -0.5), seen('red block', 0.1, -0.5)
    before = movie.play(twins, frames=3)
    left = min(before.values(), key=lambda thing: thing.workspace_from_box[0, 3])
    other = next(thing for thing in before.values() if thing is not left)
    assert not left.held
    movie.play(twins[1:], [ARM], held=tool(-0.095, -0.5, 0.045))
    after = movie.play(twins[1:], [ARM], frames=20, held=tool(0.2, -0.4, 0.145, np.pi / 2))
    thing = after[left.name]
    assert (thing.id, thing.held, thing.visible) == (left.id, True, False)
    assert thing.stamp_ns == movie.stamp_ns
    # 5 mm beside the tool, which has made a quarter turn.
    np.testing.assert_allclose(thing.workspace_from_box[:3, 3], (0.2, -0.405, 0.12), atol=1e-9)
    assert not after[other.name].held
    # Put down next to its twin, each is still itself.
    movie.play(twins[1:], [ARM], held=tool(0.1, -0.435, 0.045))
    down = seen('red block', 0.1, -0.44), twins[1]
    after = movie.play(down, frames=3)
    assert {n: t.id for n, t in after.items()} == {n: t.id for n, t in before.items()}
    assert after[left.name].workspace_from_box[1, 3] == pytest.approx(-0.44)
    assert not after[left.name].held


def test_what_is_held_and_seen_is_where_it_is_seen(movie):
    movie.play([seen('red block', 0, -0.5)], frames=3)
    movie.play([], [ARM], held=tool(0, -0.5, 0.04))
    slipped = seen('red block', 0.01, -0.4, 0.12)
    thing = movie.play([slipped], held=tool(0, -0.4, 0.14))['red block']
    assert thing.workspace_from_box[0, 3] == pytest.approx(0.01)
    thing = movie.play([], [ARM], held=tool(0.1, -0.4, 0.14))['red block']
    assert thing.workspace_from_box[0, 3] == pytest.approx(0.11)


def test_a_tool_that_holds_something_unknown_takes_nothing_along(movie):
    movie.play([seen('red block', 0, -0.5)], frames=3)
    for x in (0.0, 0.1):
        thing = movie.play([seen('red block', 0, -0.5)], held=tool(x, -0.5, 0.15))['red block']
        assert not thing.held
    assert thing.workspace_from_box[0, 3] == 0.0


def test_what_is_lifted_between_two_pictures_hangs_at_the_tool(movie):
    movie.play([seen('red block', 0, -0.5), seen('blue block', 0.1, -0.5)], frames=3)
    movie.play([seen('blue block', 0.1, -0.5)], [ARM])
    thing = movie.play([], [ARM], held=tool(0.004, -0.5, 0.12))['red block']
    assert thing.held
    assert thing.workspace_from_box[2, 3] == pytest.approx(0.10)
    assert thing.workspace_from_box[0, 3] == pytest.approx(0.0)


def test_a_tool_in_a_bowl_takes_what_lies_there(movie):
    block, bowl = seen('red block', 0, -0.5, 0.024), seen('blue bowl', 0.003, -0.5, 0.0225)
    movie.play([block, bowl], frames=3)
    after = movie.play([bowl], [ARM], held=tool(0.001, -0.5, 0.041))
    assert {name for name, thing in after.items() if thing.held} == {'red block'}
    movie.play([bowl], [ARM])
    after = movie.play([bowl], [ARM], held=tool(0.061, -0.5, 0.044))
    assert {name for name, thing in after.items() if thing.held} == {'blue bowl'}


def test_what_is_seen_to_have_stayed_is_not_held(movie):
    low, high = seen('red block', 0, -0.5), seen('blue block', 0.05, -0.5)
    before = movie.play([low, high], frames=3)
    # Between the two, it has taken neither: something of which nobody knows.
    after = movie.play([low, high], held=tool(0.022, -0.5, 0.045))
    assert after['red block'].held
    sliver = seen('red block', 0.005, -0.5, score=0.6, complete=False)
    after = movie.play([sliver, high], frames=4, held=tool(0.0, -0.5, 0.2))
    assert {n: t.id for n, t in after.items()} == {n: t.id for n, t in before.items()}
    assert not any(thing.held for thing in after.values())
    assert after['red block'].workspace_from_box[:3, 3] == pytest.approx((0, -0.5, 0.02))


def test_a_candidate_is_rather_what_is_gone_than_what_is_hidden(movie):
    left, right = seen('red block', -0.2, -0.5), seen('red block', 0.1, -0.5)
    before = movie.play([left, right], frames=3)
    ids = {round(t.workspace_from_box[0, 3], 1): t.id for t in before.values()}
    # The left one is seen to be gone and the right one only hidden; one appears next to that.
    movie.play([], [(0.1, -0.5, 0.3, 0.2)], frames=5)
    moved = seen('red block', 0.1, -0.65)
    after = movie.play([moved], [(0.1, -0.5, 0.3, 0.2), (0.1, -0.65, 0.04, 0.04)], frames=3)
    assert {t.id: round(t.workspace_from_box[1, 3], 2) for t in after.values()} == {
        ids[-0.2]: -0.65,
        ids[0.1]: -0.5,
    }


def test_what_it_looks_like_is_of_the_newest_frame(movie):
    look = Look((0.9, 0.1, 0.1), (300, 200, 302, 203), np.ones((3, 2), bool))
    block = replace(seen('red block', 0, -0.5), look=look)
    thing = movie.play([block], frames=3)['red block']
    assert (thing.rgb, thing.pixels, thing.mask.shape) == (look.rgb, look.pixels, (3, 2))
    thing = movie.play([], [ARM])['red block']
    assert (thing.rgb, thing.pixels, thing.mask) == (look.rgb, None, None)
    # Half hidden, it is darker than it is.
    shaded = replace(block, complete=False, look=replace(look, rgb=(0.2, 0.0, 0.0)))
    assert movie.play([shaded], [ARM])['red block'].rgb == look.rgb
