from __future__ import annotations

import pytest

from cap_common.errors import CanceledError, PerceptionLostError, StoppedError
from cap_interfaces.msg import Lease
from cap_skills.watch import Watch


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def no_loss() -> str | None:
    return None


def no_reason() -> str:
    return 'the camera is off'


def test_motion_needs_a_young_lease_and_a_young_scene() -> None:
    clock = Clock()
    watch = Watch(0.5, 1.0, no_loss, no_reason, clock)
    with pytest.raises(StoppedError, match='no lease'):
        watch.check(lambda: False)
    watch.lease(Lease.GRANTED, '')
    with pytest.raises(PerceptionLostError, match='no scene has come: the camera is off'):
        watch.check(lambda: False)
    watch.scene()
    watch.check(lambda: False)
    with pytest.raises(CanceledError):
        watch.check(lambda: True)
    clock.now += 0.6
    with pytest.raises(StoppedError, match='silent'):
        watch.check(lambda: False)
    watch.lease(Lease.GRANTED, '')
    watch.check(lambda: False)
    clock.now += 0.45
    watch.lease(Lease.GRANTED, '')
    with pytest.raises(PerceptionLostError, match=r'no new scene since .* s: the camera is off'):
        watch.check(lambda: False)


def test_a_node_that_ends_moves_nothing() -> None:
    watch = Watch(0.5, 1.0, no_loss, no_reason, Clock())
    watch.scene()
    watch.lease(Lease.GRANTED, '')
    watch.check(lambda: False)
    watch.end('skills_node ends')
    with pytest.raises(StoppedError, match='skills_node ends'):
        watch.check(lambda: False)


def test_a_young_lease_of_a_dead_guard_grants_nothing() -> None:
    lost: list[str] = []
    watch = Watch(0.5, 1.0, lambda: lost[0] if lost else None, no_reason, Clock())
    watch.scene()
    watch.lease(Lease.GRANTED, '')
    watch.check(lambda: False)
    lost.append('its process has ended')
    watch.lease(Lease.GRANTED, '')  # was on its way
    with pytest.raises(StoppedError, match='the guard is lost: its process has ended'):
        watch.check(lambda: False)
    lost.clear()
    watch.check(lambda: False)


@pytest.mark.parametrize(
    ('state', 'text'), [(Lease.STOPPED, 'stopped: hand'), (Lease.WITHDRAWN, 'withdrawn: hand')]
)
def test_a_refused_lease_says_why(state: int, text: str) -> None:
    watch = Watch(0.5, 1.0, no_loss, no_reason, Clock())
    watch.scene()
    watch.lease(state, 'hand')
    with pytest.raises(StoppedError, match=text):
        watch.check(lambda: False)
