"""Against real action servers in this process."""

import threading
from functools import partial

import numpy as np
import pytest
from rclpy.action import ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from cap_common.errors import CanceledError, GraspFailedError, LimitError, RobotFaultError
from cap_common.heartbeat import Beat, BeatMonitor
from cap_interfaces.action import MoveTo, Pick, PickPlace, Say
from cap_interfaces.msg import PhaseTime
from cap_planner.robot import Manner
from cap_planner.ros_skills import RosSkills

pytestmark = pytest.mark.system


class SkillServers(Node):
    """Keeps its goals; ends them as a test says."""

    def __init__(self, **kwargs):
        super().__init__('skills', **kwargs)
        self.goals = []
        self.error = (0, '')
        self.phases = []
        self.until_canceled = False
        self.beat = Beat(self)
        self._servers = [
            ActionServer(
                self,
                kind,
                name,
                execute_callback=partial(self._run, kind),
                cancel_callback=lambda _: CancelResponse.ACCEPT,
                callback_group=ReentrantCallbackGroup(),
            )
            for kind, name in (
                (PickPlace, 'pick_place'),
                (Pick, 'pick'),
                (MoveTo, 'move_to'),
                (Say, 'say'),
            )
        ]

    def _run(self, kind, handle):
        self.goals.append(handle.request)
        result = kind.Result()
        pause = threading.Event()
        while self.until_canceled and not handle.is_cancel_requested:
            pause.wait(0.01)
        if handle.is_cancel_requested:
            handle.canceled()
            return result
        result.error_code, result.error_msg = self.error
        if self.phases:
            result.phases = self.phases
        handle.abort() if result.error_code else handle.succeed()
        return result

    def close(self):
        self.until_canceled = False
        for server in self._servers:
            server.destroy()


@pytest.fixture
def servers(start):
    return start(SkillServers).node


def make_skills(start, until, silence_s):
    node = start(partial(Node, 'planner')).node
    beats = BeatMonitor(node.create_subscription)
    until(lambda: beats.lost('skills', 10.0) is None, 'a beat')
    return RosSkills(node, 'workspace', beats, deadline_s=20.0, silence_s=silence_s, settle_s=0.1)


@pytest.fixture
def skills(start, servers, until):
    return make_skills(start, until, silence_s=10.0)


def test_goals(skills, servers):
    skills.pick_place('red block', np.array([0.1, -0.4]))
    skills.move_to('red bowl')
    skills.look()
    skills.say('hello')
    pick, move, look, say = servers.goals
    assert (pick.object.name, pick.target.name) == ('red block', '')
    target = pick.target.pose
    assert target.header.frame_id == 'workspace'
    assert (target.pose.position.x, target.pose.position.y) == (0.1, -0.4)
    assert (move.target.name, look.target.name, say.text) == ('red bowl', 'park', 'hello')


def test_how_a_goal_is_to_be_done(skills, servers):
    skills.pick_place('red block', 'red bowl', Manner(0.5, 6.0))
    skills.move_to('red bowl', Manner(0.25))
    skills.pick('red block', Manner(0.125))
    pick, move, hold = servers.goals
    assert (hold.object.name, hold.speed_scale) == ('red block', 0.125)
    assert (pick.speed_scale, pick.force_limit, move.speed_scale) == (0.5, 6.0, 0.25)


@pytest.mark.parametrize('manner', [Manner(0.0), Manner(1e-50), Manner(1.0, 0.0), Manner(1e300)])
def test_what_a_goal_cannot_tell_is_refused(skills, servers, manner):
    with pytest.raises(LimitError, match=r'no (speed|force) that a robot can move with'):
        skills.pick_place('red block', 'red bowl', manner)
    assert servers.goals == []


def test_a_skill_that_nobody_offers(skills):
    with pytest.raises(RobotFaultError, match="this robot has no skill 'draw'"):
        skills.draw(np.zeros((2, 2)))


def test_an_error_code_is_an_error(skills, servers):
    servers.error = (PickPlace.Result.GRASP_FAILED, 'slippery')
    with pytest.raises(GraspFailedError, match='slippery'):
        skills.pick_place('red block', 'red bowl')


def test_phases_of_the_last_skill(skills, servers):
    servers.phases = [PhaseTime(name='grasp', planning_s=0.25, moving_s=1.5, waiting_s=0.5)]
    servers.error = (PickPlace.Result.GRASP_FAILED, 'slippery')
    with pytest.raises(GraspFailedError):
        skills.pick_place('red block', 'red bowl')
    (phase,) = skills.phases
    assert phase == {'name': 'grasp', 'planning_s': 0.25, 'moving_s': 1.5, 'waiting_s': 0.5}
    servers.phases, servers.error = [], (0, '')
    skills.say('hello')
    assert skills.phases == []


def test_a_stop_cancels_the_goal(skills, servers):
    servers.until_canceled = True
    skills.stopped = lambda: bool(servers.goals)
    with pytest.raises(CanceledError):
        skills.move_to('red bowl')


def test_a_skills_node_that_is_lost(start, servers, until):
    skills = make_skills(start, until, silence_s=0.5)
    servers.until_canceled = True
    servers.beat._timer.cancel()
    with pytest.raises(RobotFaultError, match='no heartbeat'):
        skills.move_to('red bowl')
