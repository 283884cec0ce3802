"""A ROS domain that nobody on this machine uses: for demos and tests. No ROS."""

from __future__ import annotations

import random
import socket

# 101 is the last domain whose ports lie below Linux's ephemeral range.
_DOMAINS = range(1, 102)


def free_domain_id() -> int:
    """A ROS_DOMAIN_ID without a participant on this machine.

    Raises:
        OSError: every domain is taken.
    """
    for domain in random.sample(_DOMAINS, len(_DOMAINS)):
        # The first participant of a domain takes this UDP port for its discovery (DDS-RTPS 9.6.2).
        port = 7400 + 250 * domain + 10
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(('', port))
            except OSError:
                continue
            return domain
    raise OSError('every ROS domain of this machine has a participant')
