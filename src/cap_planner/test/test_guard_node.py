"""The real guard node, an action server and an arm's joint states, in this process."""

import math
import os
import subprocess
import sys
from contextlib import contextmanager
from functools import partial

import pytest
import yaml
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState

from cap_common.action_client import OrderedActionClient
from cap_common.awake import awake_s
from cap_common.heartbeat import PERIOD_S, STEADY, Beat
from cap_common.qos import BEAT, SENSOR
from cap_interfaces.action import Say
from cap_interfaces.msg import Lease
from cap_interfaces.srv import Resume, Stop
from cap_planner.guard import StopState
from cap_planner.guard_node import GuardNode

pytestmark = pytest.mark.system

PARAMETERS = {
    'watched_nodes': ['arm'],
    'canceled_actions': ['say', 'nobody_offers_this'],
    'beat_timeout_s': 2.0,
    'stop_deadline_s': 4.0,
    'still_rad_s': 0.01,
    'still_hold_s': 0.1,
    # Long: a silent arm is StandstillJudge's test; a stalled machine must not be one here.
    'joint_state_silence_s': 10.0,
    'stop_file': '',
}


class Person(Node):
    """Asks the guard, and keeps what it says."""

    def __init__(self, name='person', **kwargs):
        super().__init__(name, **kwargs)
        self.heard = []
        self.create_subscription(Lease, 'lease', self.heard.append, BEAT)
        self._stop = self.create_client(Stop, 'stop')
        self._resume = self.create_client(Resume, 'resume')

    @property
    def lease(self):
        return self.heard[-1].state if self.heard else None

    def stop(self):
        return self._stop.call(Stop.Request(who='ann', why='smoke'), timeout_sec=10.0)

    def resume(self):
        return self._resume.call(Resume.Request(who='ann'), timeout_sec=10.0)

    def can_resume(self):
        return self._resume.service_is_ready()


class Arm(Person):
    """Beats and publishes joint states, too."""

    def __init__(self, **kwargs):
        super().__init__('arm', **kwargs)
        self.velocity = [0.0, 0.0]
        self._beat = Beat(self)
        self._states = self.create_publisher(JointState, 'joint_states', SENSOR)
        self.create_timer(PERIOD_S / 2, self._publish, clock=STEADY)
        self.say = OrderedActionClient(self, Say, 'say')

    def _publish(self):
        self._states.publish(JointState(name=['a', 'b'], velocity=self.velocity))


def start_guard(start, **parameters):
    values = {**PARAMETERS, **parameters}
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    return start(partial(GuardNode, parameter_overrides=overrides)).node


def start_goal(guard, arm, until):
    """Returns when it runs, and the guard knows of it."""
    until(arm.say.server_is_ready, 'the server')
    accepted = []
    arm.say.send_goal_async(Say.Goal(text='x')).add_done_callback(
        lambda sent: accepted.append(sent.result().accepted)
    )
    until(lambda: accepted, 'an answer')
    assert accepted == [True]
    until(lambda: guard._cancelers[0].has_goals, "the goal in the server's status")


@pytest.fixture
def guard(start):
    return start_guard(start)


@pytest.fixture
def arm(guard, start, until):
    node = start(Arm).node
    until(lambda: node.lease == Lease.GRANTED, 'the lease')
    return node


@pytest.fixture
def speaking(guard, arm, speaker, until):
    start_goal(guard, arm, until)
    return speaker


def joints(guard):
    return guard._standstill.state(awake_s())


def test_stop_is_latched_until_resume(arm, until):
    answer = arm.stop()
    assert (answer.state, 'every goal has ended' in answer.why) == (Stop.Response.STOPPED, True)
    until(lambda: arm.lease == Lease.STOPPED, 'the stop')
    assert arm.resume().resumed
    until(lambda: arm.lease == Lease.GRANTED, 'the lease')


def test_stop_is_published_without_a_wait_for_the_timer(guard, arm, until):
    for timer in guard.timers:
        timer.cancel()
    arm.stop()
    until(lambda: arm.lease == Lease.STOPPED, 'the stop')


def test_a_stop_that_cannot_be_kept_is_none_the_less_one_and_says_so(start, until, tmp_path):
    folder = tmp_path / 'gone'
    folder.mkdir()
    start_guard(start, stop_file=str(folder / 'stop'))
    arm = start(Arm).node
    until(lambda: arm.lease == Lease.GRANTED, 'the lease')
    folder.rmdir()
    answer = arm.stop()
    assert answer.state == Stop.Response.STOPPED
    assert 'cannot be kept' in answer.why
    until(lambda: arm.lease == Lease.STOPPED, 'the stop')


GUARD = 'from cap_planner.guard_node import main; raise SystemExit(main())'


@contextmanager
def guard_process(domain, parameters_file):
    """Ends with SIGKILL."""
    command = [sys.executable, '-c', GUARD, '--ros-args', '--params-file', str(parameters_file)]
    environment = {**os.environ, 'ROS_DOMAIN_ID': str(domain)}
    with subprocess.Popen(command, env=environment) as process:
        try:
            yield
        finally:
            process.kill()


def test_a_stop_outlives_the_process(start, until, tmp_path):
    stop_file, parameters_file = tmp_path / 'stop', tmp_path / 'guard.yaml'
    values = {**PARAMETERS, 'stop_file': str(stop_file)}
    parameters_file.write_text(yaml.safe_dump({'guard': {'ros__parameters': values}}))
    arm = start(Arm).node
    domain = arm.context.get_domain_id()
    with guard_process(domain, parameters_file):
        until(lambda: arm.lease == Lease.GRANTED, 'the lease')
        assert arm.stop().state == Stop.Response.STOPPED
        until(lambda: arm.lease == Lease.STOPPED, 'the stop')
        stopped = arm.heard[-1]
    # A newcomer hears nothing of the guard that is dead.
    person = start(Person).node
    with guard_process(domain, parameters_file):
        until(lambda: person.heard and not person.heard[-1].silent, 'the arm at the new guard')
        assert {(lease.state, lease.why) for lease in person.heard} == {
            (Lease.STOPPED, stopped.why)
        }
        assert stopped.why == 'stopped by ann: smoke'
        until(person.can_resume, 'the service')
        assert person.resume().resumed
        until(lambda: person.lease == Lease.GRANTED, 'the lease')
        assert not stop_file.exists(), 'the next guard is free'


def test_stop_while_it_moves(guard, arm, until):
    arm.velocity = [0.0, 0.5]
    until(lambda: joints(guard) is StopState.FAILED, 'the motion at the guard')
    answer = arm.stop()
    assert (answer.state, answer.why) == (Stop.Response.FAILED, 'joints still move')


@pytest.mark.parametrize('velocity', [[], [math.nan, 1.0]])
def test_stop_without_velocities(guard, arm, until, velocity):
    arm.velocity = velocity
    until(lambda: joints(guard) is StopState.UNCERTAIN, 'the state at the guard')
    answer = arm.stop()
    assert answer.state == Stop.Response.UNCERTAIN
    assert 'no joint velocities' in answer.why


def test_stop_waits_for_the_end_of_the_goals(arm, speaking):
    answer = arm.stop()
    assert speaking.node.asked_to_cancel.is_set()
    assert answer.state == Stop.Response.FAILED
    assert answer.why == 'a goal of say has not ended'
    speaking.node.may_end.set()
    assert arm.stop().state == Stop.Response.STOPPED


def test_stop_with_a_hung_server(arm, speaking):
    speaking.hang()
    answer = arm.stop()
    assert answer.state != Stop.Response.STOPPED
    assert 'the server of say does not answer' in answer.why


def test_a_lost_beat_cancels_the_goals(arm, speaking, until):
    arm._beat._timer.cancel()
    until(lambda: arm.lease == Lease.WITHDRAWN, 'the end of the lease')
    until(speaking.node.asked_to_cancel.is_set, 'the cancellation')


OTHER = """
import rclpy
from rclpy.node import Node
from cap_common.heartbeat import Beat

rclpy.init()
node = Node('other')
beat = Beat(node)
rclpy.spin(node)
"""


def test_the_end_of_a_process_cancels_the_goals_without_a_wait_for_beats(start, speaker, until):
    guard = start_guard(start, watched_nodes=['other'], beat_timeout_s=1000.0)
    arm = start(Arm).node
    domain = {'ROS_DOMAIN_ID': str(guard.context.get_domain_id())}
    with subprocess.Popen([sys.executable, '-c', OTHER], env={**os.environ, **domain}) as other:
        until(lambda: arm.lease == Lease.GRANTED, 'the lease')
        start_goal(guard, arm, until)
        other.kill()
    until(speaker.node.asked_to_cancel.is_set, 'the cancellation')
    until(lambda: arm.lease == Lease.WITHDRAWN, 'the end of the lease')
