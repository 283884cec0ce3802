import math

import pytest

from cap_planner.guard import LeaseState, MotionLease, StandstillJudge, StopState, stop_verdict

WATCHED = ('planner', 'skills')


@pytest.fixture
def lease():
    lease = MotionLease(WATCHED)
    lease.observe({})
    return lease


def test_nothing_is_granted_before_everybody_was_looked_for():
    lease = MotionLease(WATCHED)
    assert (lease.status.state, lease.status.silent) == (LeaseState.WITHDRAWN, WATCHED)
    assert lease.observe({}).state is LeaseState.GRANTED


def test_a_lost_node_withdraws_and_its_return_grants(lease):
    lost = lease.observe({'planner': 'no heartbeat for 1.2 s'})
    assert (lost.state, lost.silent) == (LeaseState.WITHDRAWN, ('planner',))
    assert lost.why == 'planner is lost: no heartbeat for 1.2 s'
    assert lease.observe({}).state is LeaseState.GRANTED


def test_a_stop_is_latched_until_resume(lease):
    lease.stop('ann', 'smoke')
    assert lease.observe({}).state is LeaseState.STOPPED
    assert lease.status.why == 'stopped by ann: smoke'
    assert lease.resume().state is LeaseState.GRANTED


def test_a_stop_from_before_is_in_force_at_once():
    lease = MotionLease(WATCHED, 'stopped by ann')
    stopped = lease.observe({})
    assert (stopped.state, stopped.why) == (LeaseState.STOPPED, 'stopped by ann')
    assert lease.stop_reason == 'stopped by ann'
    assert lease.resume().state is LeaseState.GRANTED
    assert lease.stop_reason is None


def test_resume_does_not_grant_while_a_node_is_lost(lease):
    lease.observe({'skills': 'no heartbeat yet'})
    lease.stop('', '')
    assert lease.resume().state is LeaseState.WITHDRAWN


def test_standstill():
    judge = StandstillJudge(still_rad_s=0.01, hold_s=0.1, silent_s=0.5)
    assert judge.state(0.0) is StopState.UNCERTAIN
    judge.observe(1.0, (0.3, 0.0))
    assert judge.state(1.0) is StopState.FAILED
    judge.observe(1.1, (0.005, 0.0))
    assert judge.state(1.1) is StopState.FAILED, 'not long enough'
    judge.observe(1.25, (0.005, -0.009))
    assert judge.state(1.25) is StopState.STOPPED
    judge.observe(1.3, (0.0, -0.02))
    assert judge.state(1.3) is StopState.FAILED
    assert judge.state(2.0) is StopState.UNCERTAIN, 'joint states ended'


@pytest.mark.parametrize('velocities', [(), (math.nan, 1.0), (0.0, math.nan), (math.inf, 0.0)])
def test_a_joint_state_without_numbers_says_nothing(velocities):
    judge = StandstillJudge(0.01, 0.0, 0.5)
    judge.observe(1.0, (0.0, 0.0))
    assert judge.state(1.0) is StopState.STOPPED
    judge.observe(1.1, velocities)
    assert judge.state(1.1) is StopState.UNCERTAIN


@pytest.mark.parametrize(
    ('joints', 'unended', 'unanswered', 'state', 'words'),
    [
        (StopState.STOPPED, [], [], StopState.STOPPED, 'every goal has ended'),
        (StopState.STOPPED, ['pick'], ['pick'], StopState.FAILED, 'a goal of pick has not ended'),
        (StopState.STOPPED, [], ['pick'], StopState.UNCERTAIN, 'pick does not answer'),
        (StopState.UNCERTAIN, [], [], StopState.UNCERTAIN, 'no joint velocities'),
        (StopState.UNCERTAIN, ['pick'], [], StopState.FAILED, 'no joint velocities'),
        (StopState.FAILED, [], ['pick'], StopState.FAILED, 'joints still move; the server of pick'),
    ],
)
def test_stopped_is_said_only_when_it_is_known(joints, unended, unanswered, state, words):
    verdict, why = stop_verdict(joints, unended, unanswered)
    assert verdict is state
    assert words in why
