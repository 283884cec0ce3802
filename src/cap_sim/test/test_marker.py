"""Marker, eraser and board: ink where the nib touched, none where the felt wiped, as it is seen."""

import itertools
import math

import mujoco
import numpy as np
import pytest

from cap_description import ARM_JOINTS, transform
from cap_sim.arm import Tolerances
from cap_sim.camera import HEIGHT, WIDTH, View, intrinsics
from cap_sim.ink import BOARD_COLOR
from cap_sim.layout import Layout, ObjectSpec
from cap_sim.spawn import spawn
from cap_sim.trajectory import PreparedTrajectory, Waypoint
from cap_sim.world import OPERATOR_CAMERA, OVERHEAD_CAMERA

PAD = 0.013
LEAN = np.pi / 2
START, END = (-0.1, -0.03), (0.1, 0.05)


class Desk:
    """A bench with a board. Places are x and y in `whiteboard`, and heights above it, metres."""

    def __init__(self, bench, *objects, **board):
        self.bench = bench(*objects, tool='marker', **board)
        self.cell = self.bench.cell
        self._base_from_board = transform(self.bench.urdf, 'base_link', 'whiteboard')

    def joints(self, frame, x, y, height, yaw, near=None):
        """Joint positions with the tool's frame there, its z into the board."""
        cos, sin = np.cos(yaw), np.sin(yaw)
        pose = np.array([[cos, sin, 0, x], [sin, -cos, 0, y], [0, 0, -1, height], [0, 0, 0, 1.0]])
        return self.bench.joints_at(self._base_from_board @ pose, near, frame)

    def go(self, frame, x, y, height, yaw=0.0, seconds=1.5):
        """A free motion; then wait until the springs are still."""
        goal = self.joints(frame, x, y, height, yaw)
        self.bench.finish(self.bench.move_joints(goal, seconds))

    def follow(self, frame, *places, yaw=0.0, seconds=2.0):
        """Straight from one (x, y, height) to the next, the first being where the tool is."""
        ways = [
            np.linspace(a, b, max(math.ceil(math.dist(a, b) / 0.004), 2), endpoint=False)
            for a, b in itertools.pairwise(places)
        ]
        points = np.vstack([*ways, places[-1]])
        joints = [self.cell.reference().q]
        for place in points[1:]:
            joints.append(self.joints(frame, *place, yaw, joints[-1]))
        times = np.linspace(0.0, seconds, len(points))
        speeds = np.gradient(joints, times, axis=0)
        speeds[-1] = 0.0
        rows = zip(times[1:], joints[1:], speeds[1:], strict=True)
        waypoints = [Waypoint(float(at), tuple(q), tuple(qd)) for at, q, qd in rows]
        trajectory = PreparedTrajectory(ARM_JOINTS, waypoints, self.cell.limits, 0.05)
        tolerances = Tolerances(np.full(6, 0.1), np.full(6, 0.005), 1.0)
        motion = self.bench.finish(self.cell.follow(trajectory.join, tolerances))
        assert motion.state.name == 'SUCCEEDED', motion.text

    def draw(self, *corners, press=0.003, seconds=2.0):
        """One stroke."""
        (x, y), (u, v) = corners[0], corners[-1]
        self.go('tcp', x, y, 0.03)
        self.follow('tcp', (x, y, 0.03), (x, y, -press), seconds=0.6)
        self.follow('tcp', *((x, y, -press) for x, y in corners), seconds=seconds)
        self.follow('tcp', (u, v, -press), (u, v, 0.03), seconds=0.6)

    def wipe(self, *places, press=0.004, seconds=2.0):
        """The eraser along the places, the wrist towards the robot."""
        (x, y), (u, v) = places[0], places[-1]
        self.go('eraser', x, y, 0.03, LEAN, seconds=2.5)
        self.follow('eraser', (x, y, 0.03), (x, y, -press), yaw=LEAN, seconds=0.6)
        self.follow('eraser', *((x, y, -press) for x, y in places), yaw=LEAN, seconds=seconds)
        self.follow('eraser', (u, v, -press), (u, v, 0.03), yaw=LEAN, seconds=0.6)

    def take(self, camera, width, height):
        """A picture."""
        _, model, _, qpos, drawing = self.cell.picture_state()
        view = View(model, camera, width, height, pretty=False)
        rgb, _ = view.render(qpos, drawing)
        view.close()
        return rgb.astype(int)


@pytest.fixture
def desk(bench):
    return lambda *objects, **board: Desk(bench, *objects, **board)


def beside(points, start, end):
    """Distances of points from the straight line through two places [m]."""
    along = np.subtract(end, start) / math.dist(start, end)
    away = points[:, :2] - start
    return np.abs(away[:, 0] * along[1] - away[:, 1] * along[0])


def test_a_touch_leaves_ink_where_it_was_and_is_felt(desk):
    board = desk()
    assert board.cell.ink().shape == (0, 3)
    board.go('tcp', 0.05, 0.03, 0.03)
    assert abs(board.cell.state().force[2]) < 0.3
    board.follow('tcp', (0.05, 0.03, 0.03), (0.05, 0.03, -0.003), seconds=0.6)
    board.cell.step(100)
    np.testing.assert_allclose(board.cell.ink()[:, :2] - (0.05, 0.03), 0.0, atol=0.0007)
    assert (board.cell.ink()[:, 2] == 0).all()
    assert 2.0 < -board.cell.state().force[2] < 4.0


def test_deep_in_the_force_is_still_that_of_a_hand(desk):
    board = desk()
    board.go('tcp', 0.0, 0.0, 0.03)
    board.follow('tcp', (0.0, 0.0, 0.03), (0.0, 0.0, -0.012), seconds=0.8)
    board.cell.step(100)
    assert 4.5 < -board.cell.state().force[2] < 6.5


def test_hovering_leaves_none(desk):
    board = desk()
    board.go('tcp', *START, 0.03)
    board.follow('tcp', (*START, 0.03), (*START, 0.002), (*END, 0.002))
    assert len(board.cell.ink()) == 0


def test_a_straight_motion_draws_a_straight_line(desk):
    board = desk()
    board.draw(START, END)
    points = board.cell.ink()
    assert (points[:, 2] == 0).all()
    assert beside(points, START, END).max() < 0.001
    assert np.linalg.norm(np.diff(points[:, :2], axis=0), axis=1).max() < 0.005
    np.testing.assert_allclose(points[0, :2], START, atol=0.001)
    np.testing.assert_allclose(points[-1, :2], END, atol=0.001)


def test_each_stroke_has_its_index(desk):
    board = desk()
    board.draw((-0.05, 0.0), (0.0, 0.05), seconds=1.0)
    board.draw((0.05, 0.0), (0.05, 0.05), seconds=1.0)
    points = board.cell.ink()
    assert sorted(set(points[:, 2])) == [0, 1]
    assert (points[points[:, 2] == 1, 0] > 0.045).all()


def test_the_eraser_takes_what_it_wiped_and_nothing_else(desk):
    board = desk()
    board.draw((-0.12, 0.0), (0.12, 0.0))
    before = board.cell.ink()
    board.wipe((-0.02, 0.0), (0.03, 0.0), seconds=1.0)
    after = board.cell.ink()
    x = after[:, 0]
    assert not ((x > -0.02 - PAD + 0.001) & (x < 0.03 + PAD - 0.001)).any()
    spared = (before[:, 0] < -0.02 - PAD - 0.001) | (before[:, 0] > 0.03 + PAD + 0.001)
    assert (after[:, None] == before[spared][None]).all(axis=2).any(axis=0).all()
    # It goes beside the line and takes nothing.
    board.wipe((0.0, 0.06), (0.1, 0.06), seconds=1.0)
    np.testing.assert_array_equal(board.cell.ink(), after)


def test_the_eraser_is_felt_and_leaves_nothing_itself(desk):
    board = desk()
    board.go('eraser', 0.0, 0.0, 0.03, LEAN, seconds=2.5)
    assert np.linalg.norm(board.cell.state().force) < 0.4
    board.follow('eraser', (0, 0, 0.03), (0, 0, -0.004), yaw=LEAN, seconds=0.6)
    board.cell.step(100)
    tcp_from_eraser = transform(board.bench.urdf, 'tcp', 'eraser')
    push = -board.cell.state().force @ tcp_from_eraser[:3, 2]
    assert 4.0 < push < 8.0
    assert len(board.cell.ink()) == 0


def test_beside_the_surface_there_is_no_ink(desk):
    board = desk(ObjectSpec('block', 'red', (0.0, -0.5), z=0.005))
    # On the block, then on the bar along the right edge.
    for x, y, height in ((0.0, 0.0, 0.04), (0.305, 0.0, 0.0)):
        board.go('tcp', x, y, height + 0.03)
        board.follow('tcp', (x, y, height + 0.03), (x, y, height - 0.004), seconds=0.6)
        board.cell.step(50)
        assert board.cell.state().force[2] < -1.5
        board.follow('tcp', (x, y, height - 0.004), (x, y, height + 0.03), seconds=0.6)
    assert len(board.cell.ink()) == 0


def least_height(board, links):
    """Of the shapes of some links above the board [m]."""
    model, data = board.cell.model, board.cell._data
    surface = next(geom for geom in body_geoms(model, 'whiteboard') if model.geom_contype[geom] > 0)
    return min(
        mujoco.mj_geomDistance(model, data, geom, surface, 1.0, None)
        for link in links
        for geom in body_geoms(model, link)
        if model.geom_contype[geom]
    )


def body_geoms(model, name):
    body = model.body(name)
    return range(body.geomadr[0], body.geomadr[0] + body.geomnum[0])


@pytest.mark.parametrize(
    ('frame', 'slide', 'yaw', 'others'),
    [
        ('tcp', 'marker_slide_joint', 0.0, ('eraser_link', 'marker_tool_link')),
        ('eraser', 'eraser_slide_joint', LEAN, ('marker_link', 'marker_nib')),
    ],
)
def test_while_one_works_the_other_is_clear_of_the_board_and_of_things(
    desk, frame, slide, yaw, others
):
    board = desk()
    data = board.cell._data
    pushed = board.cell.model.joint(slide).range[1]
    for name, angle in zip(ARM_JOINTS, board.joints(frame, 0.0, 0.0, -pushed, yaw), strict=True):
        data.joint(name).qpos = angle
    data.joint(slide).qpos = pushed
    mujoco.mj_forward(board.cell.model, data)
    # An apple is 52 mm high.
    assert least_height(board, others) > 0.052


def test_a_reset_cleans_the_board_and_a_new_thing_does_not(desk):
    board = desk()
    board.draw(START, END)
    drawn = board.cell.ink()
    egg = spawn(board.cell, 'egg', '', (0.1, -0.4), 0.0, 0)
    assert egg.z == pytest.approx(0.005)
    board.cell.step(250)
    pose = board.cell.state().objects[0].pose
    assert pose[2, 3] == pytest.approx(0.005 + 0.0161, abs=0.001)
    np.testing.assert_array_equal(board.cell.ink(), drawn)
    board.draw((0.0, -0.1), (0.02, -0.1), seconds=0.5)
    assert board.cell.ink()[-1, 2] == 1
    board.cell.reset(Layout(()))
    assert len(board.cell.ink()) == 0


def test_there_is_nothing_to_command(desk):
    board = desk()
    before = board.cell.state().tool
    board.cell.grip(0.0, 10.0)
    board.cell.step(10)
    assert board.cell.grip_settled()
    state = board.cell.state().tool
    assert state == before or (math.isnan(state.pressure_pa) and not state.holding)


def test_a_board_that_leans_is_drawn_on_too(desk):
    board = desk(board_xyz='0 -0.55 0.12', board_rpy='-0.4 0 0.2', board_size='0.3 0.2')
    board.draw((-0.08, -0.05), (0.08, 0.05))
    points = board.cell.ink()
    assert beside(points, (-0.08, -0.05), (0.08, 0.05)).max() < 0.001
    np.testing.assert_allclose(points[-1, :2], (0.08, 0.05), atol=0.001)


def test_the_ink_is_in_the_pictures(desk, parameters):
    board = desk()
    board.draw((0.05, 0.04), (0.2, 0.04))
    # Out of the picture.
    board.bench.finish(board.bench.move_joints(np.array(parameters.home_joints), 2.0))
    camera = intrinsics(WIDTH, HEIGHT, parameters.camera_fovy_deg)
    scale = camera.focal / (1.1 - 0.005)

    def seen(picture, x, y):
        return picture[round(camera.center_y - scale * y), round(camera.center_x + scale * x)]

    picture = board.take(OVERHEAD_CAMERA, WIDTH, HEIGHT)
    for x in (0.06, 0.10, 0.15, 0.19):
        assert seen(picture, x, 0.04).max() < 120
        for blank in ((-x, 0.04), (x, -0.04)):
            np.testing.assert_allclose(seen(picture, *blank), BOARD_COLOR, atol=12)
    size = parameters.operator_width, parameters.operator_height
    drawn = board.take(OPERATOR_CAMERA, *size)
    board.wipe((0.05, 0.04), (0.2, 0.04))
    board.bench.finish(board.bench.move_joints(np.array(parameters.home_joints), 2.0))
    assert seen(board.take(OVERHEAD_CAMERA, WIDTH, HEIGHT), 0.15, 0.04).min() > 220
    whiter = (board.take(OPERATOR_CAMERA, *size) - drawn).min(axis=2) > 40
    assert 60 < whiter.sum() < 1000


def test_a_drawing_that_has_not_changed_is_not_copied_again(desk):
    board = desk()
    board.draw((0.0, 0.0), (0.02, 0.0), seconds=0.5)
    one = board.cell.picture_state()[-1]
    board.cell.step(50)
    assert board.cell.picture_state()[-1] is one
