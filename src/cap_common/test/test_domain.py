"""Free domains are found by the port that a participant takes."""

from __future__ import annotations

import socket

import pytest

from cap_common import domain
from cap_common.domain import DomainIdError, free_domain_id, own_domain_id


@pytest.mark.parametrize('number', [0, 7])
def test_a_domain_with_a_participant_is_not_given(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Of a later participant, too: the first may have ended."""
    free = free_domain_id()
    monkeypatch.setattr(domain, '_DOMAINS', range(free, free + 1))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as participant:
        participant.bind(('', 7400 + 250 * free + 10 + 2 * number))
        with pytest.raises(OSError, match='every ROS domain'):
            free_domain_id()
    assert free_domain_id() == free


@pytest.mark.parametrize(('text', 'number'), [('', 0), ('0', 0), ('7', 7), ('232', 232)])
def test_the_domain_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, text: str, number: int
) -> None:
    monkeypatch.setenv('ROS_DOMAIN_ID', text)
    assert own_domain_id() == number


@pytest.mark.parametrize('text', ['abc', '-1', '1.5', '233', '99999999', '٣', ' '])
def test_what_is_no_domain(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv('ROS_DOMAIN_ID', text)
    with pytest.raises(DomainIdError, match='has to be a number from 0 to 232'):
        own_domain_id()
