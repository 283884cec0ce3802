import pytest

from cap_interfaces.msg import Lease
from cap_planner.labels import Label
from cap_planner.lease_watch import LeaseWatch


class Guard:
    """Speaks and dies when a test wants it."""

    lost: str | None = None

    def listen(self, kind, topic, callback, qos):
        assert (kind, topic) == (Lease, 'lease')
        self.say = callback


@pytest.fixture
def guard():
    return Guard()


@pytest.fixture
def watch(guard):
    return LeaseWatch(guard.listen, lambda: guard.lost, silence_s=1.0)


def test_nothing_may_move_before_the_guard_has_spoken(watch):
    assert not watch.is_heard
    assert watch.refusal().label is Label.PROCESS_LOST
    assert 'is it running?' in str(watch.refusal())


def test_a_granted_lease(guard, watch):
    guard.say(Lease(state=Lease.GRANTED))
    assert watch.is_heard
    assert watch.refusal() is None


@pytest.mark.parametrize(
    ('lease', 'label'),
    [
        (Lease(state=Lease.STOPPED, why='smoke'), Label.STOPPED),
        (Lease(state=Lease.STOPPED, why='smoke', silent=['perception']), Label.STOPPED),
        (Lease(state=Lease.WITHDRAWN, why='smoke', silent=['perception']), Label.PERCEPTION_LOST),
        (Lease(state=Lease.WITHDRAWN, why='smoke', silent=['skills']), Label.PROCESS_LOST),
        (
            Lease(state=Lease.WITHDRAWN, why='smoke', silent=['perception', 'skills']),
            Label.PROCESS_LOST,
        ),
    ],
)
def test_a_lease_that_is_not_granted(guard, watch, lease, label):
    guard.say(lease)
    assert watch.refusal().label is label
    assert 'smoke' in str(watch.refusal())


def test_an_old_lease_grants_nothing(guard, watch, until):
    guard.say(Lease(state=Lease.GRANTED))
    until(watch.refusal, 'the end of the lease')
    assert watch.refusal().label is Label.PROCESS_LOST
    assert 'silent for' in str(watch.refusal())
    guard.say(Lease(state=Lease.GRANTED))
    assert watch.refusal() is None


def test_a_young_lease_of_a_dead_guard_grants_nothing(guard, watch):
    guard.say(Lease(state=Lease.GRANTED))
    guard.lost = 'its process has ended'
    assert watch.refusal().label is Label.PROCESS_LOST
    assert 'its process has ended' in str(watch.refusal())
    guard.lost = None
    assert watch.refusal() is None
