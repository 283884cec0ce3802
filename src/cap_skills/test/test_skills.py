"""pick_place and move_to over the kinematic robot: what they do, and how they end."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cap_common.errors import (
    CanceledError,
    CapError,
    GraspFailedError,
    InvalidGoalError,
    LimitError,
    NoPathError,
    ObjectLostError,
    ObjectNotFoundError,
    PerceptionLostError,
    PlaceFailedError,
    StoppedError,
    UnreachableError,
)
from cap_skills.arm import Arm
from cap_skills.call import Call, SkillConfig
from cap_skills.kinematic_robot import AMBIENT_PA, KinematicRobot
from cap_skills.kinematics import tool_down
from cap_skills.model import GripperReading, Item, Place, SceneView
from cap_skills.parameters import SkillsParameters, make_hand, motion_limits
from cap_skills.planner import EmbeddedPlanner
from cap_skills.robot_model import RobotModel
from cap_skills.skills import Skills
from cap_skills.targets import Area

Make = Callable[..., Item]
MakeSkills = Callable[..., Skills]


class Caller:
    """Notes the steps, and can end or do something at one of them."""

    def __init__(self, at: str = '', do: Callable[[], None] = lambda: None) -> None:
        self.steps: list[str] = []
        self._at, self._do = at, do
        self.error: CapError | None = None
        self.checks_left = 0

    def step(self, text: str) -> None:
        self.steps.append(text)
        if self._at and text.startswith(self._at):
            self._do()

    def check(self) -> None:
        if self.error is None:
            return
        self.checks_left -= 1
        if self.checks_left < 0:
            raise self.error

    def call(self, **kwargs: float) -> Call:
        return Call(check=self.check, tell=self.step, **kwargs)


def _stopping(at: str, error: CapError, checks: int = 20) -> Caller:
    """A caller whose checks begin to fail some time after a step begins."""
    caller = Caller(at)

    def begin() -> None:
        caller.error, caller.checks_left = error, checks

    caller._do = begin
    return caller


def _at(arm: KinematicRobot, name: str) -> np.ndarray:
    return arm.items[name].center


def _parked(arm: KinematicRobot, config: SkillConfig) -> bool:
    return bool(np.allclose(arm.joints(), config.park, atol=1e-3))


@pytest.mark.parametrize(
    ('target', 'where'),
    [
        (Place('blue bowl'), (0.60, -0.10, 0.024)),
        (Place('red block'), (0.40, -0.10, 0.06)),
        (Place('', (0.25, 0.25, 0.0)), (0.25, 0.25, 0.02)),
        (Place('', (0.75, -0.25, 0.0)), (0.75, -0.25, 0.02)),
        (Place('', (0.61, 0.09, 0.0)), (0.60, 0.10, 0.024)),
    ],
)
def test_it_goes_where_it_was_sent(
    arm: KinematicRobot,
    skills: Skills,
    config: SkillConfig,
    target: Place,
    where: tuple[float, ...],
) -> None:
    caller = Caller()
    grasp, placed = skills.pick_place(Place('blue block'), target, caller.call())
    assert np.allclose(_at(arm, 'blue block'), where, atol=2e-3)
    assert np.allclose(grasp[:2, 3], (0.40, 0.10), atol=1e-3)
    assert np.allclose(placed[:2, 3], where[:2], atol=1e-3)
    assert _parked(arm, config)
    assert skills.held is None
    assert arm.time_s < 8.0
    kinds = [step.split()[0] for step in caller.steps]
    assert kinds == ['check', 'approach', 'grasp', 'carry', 'place', 'release', 'retreat', 'park']


def test_the_block_is_square_to_what_it_stands_on(arm: KinematicRobot, skills: Skills) -> None:
    skills.pick_place(Place('red block'), Place('blue block'), Caller().call())
    quarter = np.pi / 2
    off = (arm.items['red block'].yaw - arm.items['blue block'].yaw + quarter / 2) % quarter
    assert off == pytest.approx(quarter / 2, abs=1e-3)


def test_a_bowl_is_grasped_by_its_floor(arm: KinematicRobot, skills: Skills) -> None:
    skills.pick_place(Place('blue bowl'), Place('', (0.30, 0.25, 0.0)), Caller().call())
    assert np.allclose(_at(arm, 'blue bowl')[:2], (0.30, 0.25), atol=2e-3)


@pytest.mark.parametrize(
    ('object_', 'target', 'error', 'text'),
    [
        ('green block', Place('blue bowl'), ObjectNotFoundError, "'green block'.*'blue block'"),
        ('blue block', Place('green bowl'), ObjectNotFoundError, "'green bowl'"),
        ('blue block', Place('blue block'), InvalidGoalError, 'itself'),
        ('blue block', Place('', (float('inf'), 0.0, 0.0)), InvalidGoalError, 'finite'),
        ('blue block', Place('', (0.86, 0.0, 0.0)), LimitError, 'outside the work area'),
        ('blue block', Place('', (2.0, 0.0, 0.0)), UnreachableError, 'out of reach'),
        ('blue block', Place('', (0.60, -0.10, -0.1)), LimitError, r'0\.100 m below the table'),
    ],
)
def test_what_cannot_be_is_refused_before_anything_moves(
    arm: KinematicRobot,
    skills: Skills,
    object_: str,
    target: Place,
    error: type[CapError],
    text: str,
) -> None:
    before = arm.joints()
    with pytest.raises(error, match=text):
        skills.pick_place(Place(object_), target, Caller().call())
    assert np.array_equal(arm.joints(), before)
    assert arm.time_s == 0.0


def test_beside_a_point_that_is_half_taken(
    arm: KinematicRobot, skills: Skills, config: SkillConfig
) -> None:
    """Red block reaches to x = 0.42; half a blue one and a gap fit at the point, its corner not."""
    skills.pick_place(Place('blue block'), Place('', (0.455, -0.10, 0.0)), Caller().call())
    x, y, z = _at(arm, 'blue block')
    assert (y, z) == pytest.approx((-0.10, 0.02), abs=2e-3)
    assert 0.455 < x <= 0.455 + config.nudge


@pytest.mark.parametrize(
    ('limits', 'error'),
    [
        ({'speed_scale': 1.5}, LimitError),
        ({'speed_scale': -0.1}, LimitError),
        ({'speed_scale': float('nan')}, InvalidGoalError),
        ({'speed_scale': 1e-6}, LimitError),
        ({'force_limit': 99.0}, LimitError),
        # Of the cup's spring, which any contact overcomes.
        ({'force_limit': 2.0}, LimitError),
        ({'force_limit': float('inf')}, InvalidGoalError),
    ],
)
def test_limits_of_the_call(
    skills: Skills, limits: dict[str, float], error: type[CapError]
) -> None:
    with pytest.raises(error, match=next(iter(limits))):
        skills.pick_place(Place('blue block'), Place('blue bowl'), Caller().call(**limits))


def test_slower_is_slower(
    arm: KinematicRobot,
    planner: EmbeddedPlanner,
    config: SkillConfig,
    item: Callable[..., Item],
    make_skills: MakeSkills,
) -> None:
    times = []
    for scale in (1.0, 0.5):
        robot = KinematicRobot(planner.kinematics, config.park, arm.items.values())
        items = robot.items
        own = make_skills(robot, lambda items=items: SceneView(tuple(items.values()), 0))
        own.pick_place(Place('blue block'), Place('blue bowl'), Caller().call(speed_scale=scale))
        times.append(robot.time_s)
    assert times[1] > 1.6 * times[0]


def test_what_lies_on_it_is_named(
    arm: KinematicRobot, skills: Skills, item: Callable[..., Item]
) -> None:
    arm.items['green block'] = item('green block', 0.40, 0.10, bottom=0.04)
    with pytest.raises(NoPathError, match="'green block' is on or in 'blue block'"):
        skills.pick_place(Place('blue block'), Place('blue bowl'), Caller().call())


def test_a_bowl_over_a_block_is_not_taken_for_the_block(
    arm: KinematicRobot, skills: Skills, item: Callable[..., Item]
) -> None:
    arm.items['green bowl'] = item('green bowl', 0.40, 0.10, bottom=0.04)
    with pytest.raises(NoPathError, match="'green bowl' is on or in 'blue block'"):
        skills.pick_place(Place('blue block'), Place('red bowl'), Caller().call())
    skills.pick_place(Place('green bowl'), Place('', (0.30, -0.25, 0.0)), Caller().call())
    skills.pick_place(Place('blue block'), Place('red bowl'), Caller().call())


def test_a_torn_cup_is_a_failed_grasp_after_two_tries(
    arm: KinematicRobot, skills: Skills, config: SkillConfig
) -> None:
    arm.seals = False
    caller = Caller()
    with pytest.raises(GraspFailedError, match=r'touched something .* does not hold it'):
        skills.pick_place(Place('blue block'), Place('blue bowl'), caller.call())
    assert sum(step.startswith('grasp') for step in caller.steps) == 2
    assert _parked(arm, config)
    assert np.allclose(_at(arm, 'blue block')[:2], (0.40, 0.10))


def test_another_look_finds_what_moved(
    arm: KinematicRobot, skills: Skills, item: Callable[..., Item]
) -> None:
    def slide() -> None:
        if arm.seals:
            arm.items['blue block'] = item('blue block', 0.30, 0.20)
            arm.seals = False
        else:
            arm.seals = True

    skills.pick_place(Place('blue block'), Place('blue bowl'), Caller('grasp', slide).call())
    assert np.allclose(_at(arm, 'blue block')[:2], (0.60, -0.10), atol=2e-3)


class RigidRobot(KinematicRobot):
    """Its tool gives way by a few millimetres, and then no more: a collision pushes hard."""

    def gripper(self) -> GripperReading:
        reading = super().gripper()
        return replace(reading, force=reading.force + 10 * max(reading.force - 2.0, 0.0))


def _in_the_way(item: Make) -> Item:
    """Higher than where the tool expects the block."""
    post = item('green block', 0.40, 0.10, bottom=0.03)
    return replace(post, size=np.array([0.04, 0.04, 0.10]))


def test_what_came_into_the_way_is_left_and_the_object_looked_for(
    robot: RobotModel, arm: KinematicRobot, config: SkillConfig, item: Make, make_skills: MakeSkills
) -> None:
    rigid = RigidRobot(robot.kinematics, config.park, arm.items.values())
    skills = make_skills(rigid, lambda: SceneView(tuple(rigid.items.values()), 0.0))

    def exchange() -> None:
        rigid.items['blue block'] = item('blue block', 0.30, 0.20)
        rigid.items['green block'] = _in_the_way(item)

    caller = Caller('approach', exchange)
    skills.pick_place(Place('blue block'), Place('blue bowl'), caller.call())
    again = next(step for step in caller.steps if step.startswith('look again'))
    assert 'pushed at the tool; 15 N may' in again
    assert np.allclose(_at(rigid, 'blue block')[:2], (0.60, -0.10), atol=2e-3)
    assert _parked(rigid, config)


def test_what_pushes_too_hard_at_the_start_lets_the_tool_come_free(
    robot: RobotModel, config: SkillConfig, item: Make, make_skills: MakeSkills
) -> None:
    kinematics = robot.kinematics
    post = _in_the_way(item)
    at = np.array([*post.center[:2], post.top - 0.01])
    pressed = kinematics.down(tool_down(at), config.park, free_yaw=True)
    rigid = RigidRobot(kinematics, pressed, (post,))
    rigid.grip(1.0)  # it feels
    assert rigid.gripper().force > 1.5 * config.force_limit
    skills = make_skills(rigid, lambda: SceneView(tuple(rigid.items.values()), 0.0))
    skills.home(Caller().call())
    assert _parked(rigid, config)


def test_what_pushes_too_hard_at_the_start_may_not_push_harder(
    arm: KinematicRobot, skills: Skills, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushes = itertools.count(20.0, 1.0)
    monkeypatch.setattr(arm, 'gripper', lambda: GripperReading(next(pushes), AMBIENT_PA))
    with pytest.raises(LimitError, match=r'2\d\.0 N pushed at the tool; 15 N may'):
        skills.move_to(Place('red bowl'), 0.1, Caller().call())
    assert arm.time_s < 0.1


def test_a_target_that_goes_while_something_is_carried_to_it(
    arm: KinematicRobot, skills: Skills, config: SkillConfig
) -> None:
    caller = Caller('carry', lambda: arm.items.pop('blue bowl', None))
    with pytest.raises(
        ObjectNotFoundError, match=r"no object 'blue bowl'.*'blue block' was put down again"
    ):
        skills.pick_place(Place('blue block'), Place('blue bowl'), caller.call())
    assert np.allclose(_at(arm, 'blue block'), (0.40, 0.10, 0.02), atol=2e-3)
    assert skills.held is None
    assert _parked(arm, config)


@pytest.mark.parametrize('step', ['carry', 'place'])
@pytest.mark.parametrize('away', [0.015, 0.03, 0.06])
def test_a_target_that_is_moved_once_is_looked_for_again(
    arm: KinematicRobot, skills: Skills, config: SkillConfig, item: Make, step: str, away: float
) -> None:
    moved = item('blue bowl', 0.60, -0.10 - away)
    caller = Caller(step, lambda: arm.items.update({'blue bowl': moved}))
    _, placed = skills.pick_place(Place('blue block'), Place('blue bowl'), caller.call())
    assert any(
        step.startswith(f"look again: 'blue bowl' was moved by {away * 1000:.0f} mm")
        for step in caller.steps
    )
    assert np.allclose(_at(arm, 'blue block')[:2], moved.center[:2], atol=2e-3)
    assert np.allclose(placed[:2, 3], moved.center[:2], atol=1e-3)
    assert _parked(arm, config)


def test_a_target_that_moves_on_and_on_is_a_failed_place(
    arm: KinematicRobot, skills: Skills, config: SkillConfig, item: Make
) -> None:
    ways = itertools.count(1)

    def move_on() -> None:
        arm.items['blue bowl'] = item('blue bowl', 0.60, -0.10 - 0.02 * next(ways))

    with pytest.raises(PlaceFailedError, match=r'was moved by 20 mm .*was put down again'):
        skills.pick_place(Place('blue block'), Place('blue bowl'), Caller('place', move_on).call())
    assert np.allclose(_at(arm, 'blue block'), (0.40, 0.10, 0.02), atol=2e-3)
    assert skills.held is None
    assert _parked(arm, config)


def test_a_target_that_is_moved_at_the_release_is_told(
    arm: KinematicRobot, skills: Skills, config: SkillConfig, item: Make
) -> None:
    def move() -> None:
        arm.items['blue bowl'] = item('blue bowl', 0.60, -0.13)

    with pytest.raises(PlaceFailedError, match="'blue bowl' was moved by 30 mm"):
        skills.pick_place(Place('blue block'), Place('blue bowl'), Caller('release', move).call())
    assert skills.held is None
    assert _parked(arm, config)


def test_a_rim_where_the_middle_of_a_bowl_was_seen_is_not_its_floor(
    arm: KinematicRobot, make_skills: MakeSkills, item: Make
) -> None:
    """The bowl was moved, and the arm hid it from the camera until it parked."""
    was = arm.items['blue bowl']
    rim = replace(item('blue bowl', 0.60, -0.14), dish=None)
    hidden: list[Item] = []

    def scene() -> SceneView:
        return SceneView(tuple({**arm.items, **{each.name: each for each in hidden}}.values()), 0.0)

    def shift() -> None:
        if not hidden:
            hidden.append(was)
            arm.items['blue bowl'] = rim

    class Watcher(Caller):
        def step(self, text: str) -> None:
            super().step(text)
            if text.startswith('look again'):
                hidden.clear()
                arm.items['blue bowl'] = item('blue bowl', 0.60, -0.14)
                self._at = ''

    skills = make_skills(arm, scene)
    caller = Watcher('carry', shift)
    skills.pick_place(Place('blue block'), Place('blue bowl'), caller.call())
    assert any('met something 37 mm too high' in step for step in caller.steps)
    assert np.allclose(_at(arm, 'blue block'), (0.60, -0.14, 0.024), atol=2e-3)


def test_what_falls_on_the_way_is_lost(
    arm: KinematicRobot, skills: Skills, config: SkillConfig
) -> None:
    with pytest.raises(ObjectLostError, match='blue block'):
        skills.pick_place(Place('blue block'), Place('blue bowl'), Caller('place', arm.drop).call())
    assert skills.held is None
    assert _parked(arm, config)


@pytest.mark.parametrize(
    'error', [CanceledError('taken back'), StoppedError('stop'), PerceptionLostError('dark')]
)
def test_a_halt_leaves_all_as_it_is_and_the_next_goal_goes_on(
    arm: KinematicRobot, skills: Skills, error: CapError
) -> None:
    caller = _stopping('carry', error)
    with pytest.raises(type(error)):
        skills.pick_place(Place('blue block'), Place('blue bowl'), caller.call())
    stood = arm.joints()
    assert caller.steps[-1].startswith('carry')
    assert skills.held is not None
    assert _at(arm, 'blue block')[2] > 0.021
    # The same object: it is in the hand already.
    again = Caller()
    skills.pick_place(Place('blue block'), Place('red bowl'), again.call())
    assert not any(step.startswith('grasp') for step in again.steps)
    assert np.allclose(_at(arm, 'blue block')[:2], (0.60, 0.10), atol=2e-3)
    assert not np.array_equal(arm.joints(), stood)


def test_another_goal_first_puts_down_what_is_held(arm: KinematicRobot, skills: Skills) -> None:
    with pytest.raises(CanceledError):
        skills.pick_place(
            Place('blue block'), Place('blue bowl'), _stopping('carry', CanceledError('x')).call()
        )
    skills.pick_place(Place('red block'), Place('blue bowl'), Caller().call())
    assert np.allclose(_at(arm, 'blue block'), (0.40, 0.10, 0.02), atol=2e-3)
    assert np.allclose(_at(arm, 'red block')[:2], (0.60, -0.10), atol=2e-3)


def test_a_new_process_puts_down_what_it_does_not_know(
    arm: KinematicRobot,
    skills: Skills,
    make_skills: MakeSkills,
) -> None:
    with pytest.raises(StoppedError):
        skills.pick_place(
            Place('blue block'), Place('blue bowl'), _stopping('carry', StoppedError('x')).call()
        )
    reborn = make_skills(arm, lambda: SceneView(tuple(arm.items.values()), 0.0))
    reborn.pick_place(Place('red block'), Place('red bowl'), Caller().call())
    assert _at(arm, 'blue block')[2] < 0.03
    assert np.allclose(_at(arm, 'red block')[:2], (0.60, 0.10), atol=2e-3)


def test_a_failure_after_the_grasp_puts_it_back(
    arm: KinematicRobot, skills: Skills, config: SkillConfig
) -> None:
    """The bowl is taken away while the block is lifted."""

    def take_away() -> None:
        arm.items.pop('blue bowl', None)

    with pytest.raises(ObjectNotFoundError, match='put down again'):
        skills.pick_place(
            Place('blue block'), Place('blue bowl'), Caller('grasp', take_away).call()
        )
    assert np.allclose(_at(arm, 'blue block'), (0.40, 0.10, 0.02), atol=2e-3)
    assert skills.held is None
    assert _parked(arm, config)


def test_what_it_put_down_is_known_while_the_arm_hides_it(
    arm: KinematicRobot,
    config: SkillConfig,
    make_skills: MakeSkills,
) -> None:
    """Perception goes on believing that the block is where it was, as it does behind the arm."""
    believed = tuple(arm.items.values())
    own = make_skills(arm, lambda: SceneView(believed, 0.0))
    own.pick_place(Place('blue block'), Place('red block'), Caller().call())
    assert np.allclose(_at(arm, 'blue block'), (0.40, -0.10, 0.06), atol=2e-3)
    assert _parked(arm, config)


def test_a_search_that_may_not_go_on_is_no_path_and_the_next_goal_works(
    parameters: SkillsParameters, robot: RobotModel, config: SkillConfig, area: Area, item: Make
) -> None:
    """A post in the way, too tall to go over, and a planner that may look once."""
    hasty = replace(parameters.planning, rrt_iterations=1, rrt_tries=1)
    planner = EmbeddedPlanner(robot, motion_limits(parameters, robot), hasty)
    pose = np.eye(4)
    pose[:3, 3] = 0.35, 0.25, 0.45
    post = Item('post', 'block', pose, np.array([0.05, 0.05, 0.9]))
    arm = KinematicRobot(robot.kinematics, config.park, (item('blue block', 0.40, -0.10), post))
    skills = Skills(
        Arm(arm, make_hand(parameters, robot), planner, config),
        lambda: SceneView(tuple(arm.items.values()), 0.0),
        config,
        area,
    )
    target = Place('', (0.50, -0.20, 0.0))
    with pytest.raises(NoPathError, match=r'found in 1 tries of 1 iterations'):
        skills.pick_place(Place('blue block'), target, Caller().call())
    assert planner.searches == 1
    assert _parked(arm, config)
    del arm.items['post']
    skills.pick_place(Place('blue block'), target, Caller().call())
    assert np.allclose(_at(arm, 'blue block'), (0.50, -0.20, 0.02), atol=2e-3)


def test_an_old_scene_is_not_acted_on(
    arm: KinematicRobot,
    make_skills: MakeSkills,
) -> None:
    old = make_skills(arm, lambda: SceneView(tuple(arm.items.values()), 1.5))
    with pytest.raises(PerceptionLostError, match=r'1\.5 s old'):
        old.pick_place(Place('blue block'), Place('blue bowl'), Caller().call())


def test_move_to_stops_above(
    arm: KinematicRobot, skills: Skills, planner: EmbeddedPlanner, config: SkillConfig
) -> None:
    reached = skills.move_to(Place('red bowl'), 0.1, Caller().call())
    assert np.allclose(reached[:3, 3], (0.60, 0.10, 0.145), atol=1e-3)
    assert np.allclose(reached, planner.kinematics.forward(arm.joints()))
    reached = skills.move_to(Place('', (0.40, 0.10, 0.0)), 0.05, Caller().call())
    assert np.allclose(reached[:3, 3], (0.40, 0.10, 0.09), atol=1e-3)
    for height, error in ((float('nan'), InvalidGoalError), (-0.1, LimitError), (5.0, LimitError)):
        with pytest.raises(error):
            skills.move_to(Place('red bowl'), height, Caller().call())
    with pytest.raises(LimitError, match='below the table'):
        skills.move_to(Place('', (0.40, 0.10, -0.1)), 0.2, Caller().call())


def test_what_is_too_heavy_is_left_where_it_is_and_the_next_goal_works(
    arm: KinematicRobot,
    config: SkillConfig,
    make_skills: MakeSkills,
) -> None:
    weak = replace(config, payload_force=0.1)
    own = make_skills(arm, lambda: SceneView(tuple(arm.items.values()), 0.0), weak)
    for _ in range(2):
        with pytest.raises(LimitError, match=r'pulled.*put down again'):
            own.pick_place(Place('blue block'), Place('blue bowl'), Caller().call())
        assert np.allclose(_at(arm, 'blue block'), (0.40, 0.10, 0.02), atol=2e-3)
        assert own.held is None
        assert _parked(arm, config)
    own.move_to(Place('red bowl'), 0.1, Caller().call())


def test_a_load_that_became_too_heavy_does_not_lock_the_arm(
    arm: KinematicRobot,
    skills: Skills,
    config: SkillConfig,
    make_skills: MakeSkills,
) -> None:
    with pytest.raises(StoppedError):
        skills.pick_place(
            Place('blue block'), Place('blue bowl'), _stopping('carry', StoppedError('x')).call()
        )
    weak = replace(config, payload_force=0.1)
    own = make_skills(arm, lambda: SceneView(tuple(arm.items.values()), 0.0), weak)
    with pytest.raises(LimitError, match='put down again'):
        own.move_to(Place('park'), 0.0, Caller().call())
    assert _at(arm, 'blue block')[2] == pytest.approx(0.02, abs=2e-3)
    assert _parked(arm, config)


@pytest.fixture
def with_unseen(
    arm: KinematicRobot,
    make_skills: MakeSkills,
) -> Callable[[Item], Skills]:
    """Skills whose camera does not see one object."""

    def make(unseen: Item) -> Skills:
        arm.items[unseen.name] = unseen

        def scene() -> SceneView:
            return SceneView(tuple(i for i in arm.items.values() if i.name != unseen.name), 0.0)

        return make_skills(arm, scene)

    return make


def test_contact_well_above_the_place_is_a_failed_place(
    arm: KinematicRobot, with_unseen: Callable[[Item], Skills], config: SkillConfig
) -> None:
    plate = np.eye(4)
    plate[:3, 3] = 0.25, 0.25, 0.006
    own = with_unseen(Item('plate', 'block', plate, np.array([0.1, 0.1, 0.012])))
    with pytest.raises(PlaceFailedError, match=r'too high.*put down again'):
        own.pick_place(Place('blue block'), Place('', (0.25, 0.25, 0.0)), Caller().call())
    assert np.allclose(_at(arm, 'blue block'), (0.40, 0.10, 0.02), atol=2e-3)
    assert own.held is None
    assert _parked(arm, config)


def test_in_a_bowl_it_may_lie_on_the_wall(
    arm: KinematicRobot, with_unseen: Callable[[Item], Skills]
) -> None:
    dregs = np.eye(4)
    dregs[:3, 3] = 0.60, -0.10, 0.004 + 0.00475
    own = with_unseen(Item('dregs', 'block', dregs, np.array([0.03, 0.03, 0.0095])))
    own.pick_place(Place('blue block'), Place('blue bowl'), Caller().call())
    assert np.allclose(_at(arm, 'blue block'), (0.60, -0.10, 0.0335), atol=2e-3)


def test_a_stop_at_contact_does_not_let_go(arm: KinematicRobot, skills: Skills) -> None:
    with pytest.raises(StoppedError):
        skills.pick_place(
            Place('blue block'),
            Place('blue bowl'),
            _stopping('release', StoppedError('x'), checks=0).call(),
        )
    assert skills.held is not None
    assert arm.gripper().pressure < 60_000.0


def test_a_new_process_parks_without_what_it_does_not_know(
    arm: KinematicRobot,
    skills: Skills,
    config: SkillConfig,
    make_skills: MakeSkills,
) -> None:
    """Held, it is hidden: perception drops it, and no goal could name it."""
    with pytest.raises(StoppedError):
        skills.pick_place(
            Place('blue block'), Place('blue bowl'), _stopping('carry', StoppedError('x')).call()
        )

    def seen() -> SceneView:
        hidden = arm.gripper().pressure < 60_000.0
        items = (i for i in arm.items.values() if not (hidden and i.name == 'blue block'))
        return SceneView(tuple(items), 0.0)

    reborn = make_skills(arm, seen)
    reborn.move_to(Place('park'), 0.0, Caller().call())
    assert _parked(arm, config)
    assert reborn.held is None
    assert _at(arm, 'blue block')[2] == pytest.approx(0.02, abs=2e-3)
    reborn.pick_place(Place('blue block'), Place('blue bowl'), Caller().call())
