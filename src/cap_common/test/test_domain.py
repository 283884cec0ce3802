"""Free domains are found by the port that a participant takes."""

from __future__ import annotations

import socket

import pytest

from cap_common import domain
from cap_common.domain import free_domain_id


def test_a_domain_with_a_participant_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    free = free_domain_id()
    monkeypatch.setattr(domain, '_DOMAINS', range(free, free + 1))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as participant:
        participant.bind(('', 7400 + 250 * free + 10))
        with pytest.raises(OSError, match='every ROS domain'):
            free_domain_id()
    assert free_domain_id() == free
