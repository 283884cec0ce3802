"""Which parts of the OpenAI chat protocol an endpoint takes. No ROS.

Endpoints and models differ in the options that they know. All are asked with every option, and
again without those that they say they do not take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import openai

from cap_planner.models.base import Options

_MOST_STOPS = 4  # of the protocol; the others are cut by the caller


@dataclass(frozen=True)
class Dialect:
    """What to send.

    Attributes:
        stream: answers may come piece by piece.
        usage: a stream may end with its count of tokens.
        temperature: it can be set; some reasoning models have one of their own.
        stop: stop texts can be given.
        length: the name of the limit: `max_tokens`, and `max_completion_tokens` for newer models.
    """

    stream: bool = True
    usage: bool = True
    temperature: bool = True
    stop: bool = True
    length: str = 'max_tokens'

    def body(self, options: Options) -> dict[str, Any]:
        """The options of a request."""
        body: dict[str, Any] = {self.length: options.max_tokens}
        if self.temperature:
            body['temperature'] = options.temperature
        if self.stop and options.stop:
            body['stop'] = list(options.stop[:_MOST_STOPS])
        if self.stream:
            body['stream'] = True
            if self.usage:
                body['stream_options'] = {'include_usage': True}
        return body

    def without(self, error: openai.APIStatusError) -> Dialect | None:
        """What is left when an endpoint refuses an option; None: that is not what it says."""
        if error.status_code not in (400, 422):
            return None
        for refused, rest in (
            ('stream_options', replace(self, usage=False)),
            ('stream', replace(self, stream=False)),
            ('temperature', replace(self, temperature=False)),
            ('max_tokens', replace(self, length='max_completion_tokens')),
            ('max_completion_tokens', replace(self, length='max_tokens')),
            ('stop', replace(self, stop=False)),
        ):
            if rest != self and _names(error, refused):
                return rest
        return None


def _names(error: openai.APIStatusError, option: str) -> bool:
    """By the protocol `param` is its name; many endpoints only mention it."""
    if error.param:
        return error.param.partition('.')[0] == option
    # These two are English words as well.
    quoted = option in ('stream', 'stop')
    pattern = rf'[\'"`]{option}s?[\'"`]' if quoted else rf'\b{option}\b'
    return re.search(pattern, str(error)) is not None
