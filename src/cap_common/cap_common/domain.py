"""Which ROS domain this environment has, and which are in use on this machine. No ROS."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Mapping

from cap_common.errors import CapError

# 101 is the last domain whose ports lie below Linux's ephemeral range.
_DOMAINS = range(1, 102)
_PARTICIPANTS = range(50)  # of one domain on this machine
_MOST = 232  # the ports of a larger one do not exist


class DomainIdError(CapError):
    """ROS_DOMAIN_ID is no ROS domain."""


def own_domain_id(environment: Mapping[str, str] = os.environ) -> int:
    """The ROS domain of an environment: ROS_DOMAIN_ID, or 0 if it is not set.

    Raises:
        DomainIdError: it is no number, or too large.
    """
    text = environment.get('ROS_DOMAIN_ID') or '0'
    if not (text.isascii() and text.isdecimal() and int(text) <= _MOST):
        raise DomainIdError(f'ROS_DOMAIN_ID is {text!r}: it has to be a number from 0 to {_MOST}')
    return int(text)


def has_participant(domain_id: int) -> bool:
    """Whether some process of this machine takes part in a ROS domain."""
    return any(_has_participant(domain_id, number) for number in _PARTICIPANTS)


def _has_participant(domain_id: int, number: int) -> bool:
    # A participant takes the first such UDP port that is free for its discovery (DDS-RTPS 9.6.2);
    # the ones before it may have ended since.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(('', 7400 + 250 * domain_id + 10 + 2 * number))
        except OSError:
            return True
        return False


def free_domain_id() -> int:
    """A ROS_DOMAIN_ID without a participant on this machine.

    Raises:
        OSError: every domain is taken.
    """
    for domain_id in random.sample(_DOMAINS, len(_DOMAINS)):
        if not has_participant(domain_id):
            return domain_id
    raise OSError('every ROS domain of this machine has a participant')
