"""Which ROS domains are in use on this machine. No ROS."""

from __future__ import annotations

import random
import socket

# 101 is the last domain whose ports lie below Linux's ephemeral range.
_DOMAINS = range(1, 102)


def has_participant(domain_id: int) -> bool:
    """Whether some process of this machine takes part in a ROS domain."""
    # The first participant of a domain takes this UDP port for its discovery (DDS-RTPS 9.6.2).
    port = 7400 + 250 * domain_id + 10
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(('', port))
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
