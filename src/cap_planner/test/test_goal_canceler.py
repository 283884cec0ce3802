"""Against a real action server in this process."""

from functools import partial

import pytest
from action_msgs.msg import GoalInfo, GoalStatus, GoalStatusArray
from rclpy.action import ActionClient
from rclpy.node import Node
from unique_identifier_msgs.msg import UUID

from cap_interfaces.action import Say
from cap_planner.goal_canceler import GoalCanceler

pytestmark = pytest.mark.system


@pytest.fixture
def guard(start):
    return start(partial(Node, 'guard')).node


@pytest.fixture
def canceler(guard):
    return GoalCanceler(guard, guard.create_subscription, 'say')


@pytest.fixture
def with_goal(guard, canceler, speaker, until):
    """The canceler has seen a goal."""
    client = ActionClient(guard, Say, 'say')
    until(client.server_is_ready, 'the server')
    client.send_goal_async(Say.Goal(text='hello'))
    until(lambda: canceler.has_goals, 'the goal in the status')


def test_without_a_server_there_is_no_goal(canceler):
    canceler.cancel()
    assert canceler.is_answered
    assert not canceler.has_goals


@pytest.mark.usefixtures('with_goal')
def test_an_answer_is_not_yet_the_end(canceler, speaker, until):
    canceler.cancel()
    until(speaker.node.asked_to_cancel.is_set, 'the request')
    until(lambda: canceler.is_answered, 'the answer')
    assert canceler.has_goals, 'the skill has not returned'
    speaker.node.may_end.set()
    until(lambda: not canceler.has_goals, 'the end')


@pytest.mark.usefixtures('with_goal')
def test_a_hung_server_gives_no_answer_and_is_not_flooded(canceler, speaker, until):
    speaker.hang()
    for _ in range(10):
        canceler.cancel()
    assert len(canceler._client._pending_requests) == 2, 'one for all goals, one for this goal'
    canceler.cancel(anew=True)
    assert len(canceler._client._pending_requests) == 2, 'the earlier ones are given up'
    assert not canceler.is_answered
    assert canceler.has_goals
    speaker.go_on()
    until(lambda: canceler.is_answered, 'the answer')


def test_a_goal_of_an_earlier_server_does_not_count(canceler, speaker, until):
    until(canceler._client.service_is_ready, 'the server')
    # What a server said before it died, and another one took its place.
    goal = GoalInfo(goal_id=UUID(uuid=list(range(16))))
    running = GoalStatus(goal_info=goal, status=GoalStatus.STATUS_EXECUTING)
    canceler._on_status(GoalStatusArray(status_list=[running]))
    assert canceler.has_goals
    canceler.cancel()
    until(lambda: canceler.is_answered, 'the answer')
    assert not canceler.has_goals
