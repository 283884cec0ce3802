"""What goes wrong at an endpoint: whether to try again, and what to tell. No ROS."""

from __future__ import annotations

import email.utils
import math
import random
import re
import time
from collections.abc import Mapping

import openai

# Endpoints word it differently; the code `context_length_exceeded` and type
# `exceed_context_size_error` match, too.
_TOO_LONG = re.compile(
    r'context[ _](?:length|window|size)|(?:prompt|input|messages?) (?:is|are) too (?:long|large)'
    r'|maximum prompt length|too many (?:input )?tokens|token limit'
    r'|token count.*exceeds|reduce the length',
    re.IGNORECASE | re.DOTALL,
)
# In the code or type of an error that comes inside of an answer, where there is no status.
_PASSES = re.compile(r'\b(?:408|409|429|5\d\d)\b|server_error|overloaded|rate_limit|timeout')
_QUOTA = 'insufficient_quota'


class BrokenAnswerError(Exception):
    """The endpoint answered, and it is not an answer of the protocol, or not all of it.

    Attributes:
        passing: it may be whole the next time.
    """

    def __init__(self, text: str, *, passing: bool = True) -> None:
        super().__init__(text)
        self.passing = passing


def is_prompt_too_long(error: Exception) -> bool:
    """The messages do not fit into the model's window."""
    if not isinstance(error, openai.APIError) or isinstance(error, openai.APIConnectionError):
        return False
    status = getattr(error, 'status_code', None)
    words = f'{error} {error.code} {error.type}'
    if status == 429:  # larger than what may be sent in a minute
        return 'request too large' in words.lower()
    return status == 413 or (status in (None, 400, 422) and bool(_TOO_LONG.search(words)))


def pause_s(error: Exception, usual_s: float) -> float | None:
    """How long to wait before the next try [s]; None when another try cannot help.

    What the endpoint asks for counts; else about `usual_s`, scattered so that clients that failed
    together do not come back together.
    """
    if not _may_pass(error):
        return None
    usual_s *= random.uniform(0.5, 1.0)
    if not isinstance(error, openai.APIStatusError):
        return usual_s
    asked_s = retry_after_s(error.response.headers)
    return usual_s if asked_s is None else asked_s


def _may_pass(error: Exception) -> bool:
    if isinstance(error, BrokenAnswerError):
        return error.passing
    if isinstance(error, openai.APIStatusError):
        if error.response.history:
            return False  # a redirect that led nowhere, such as from POST to GET
        said = error.response.headers.get('x-should-retry')
        if said in ('true', 'false'):
            return said == 'true'
        status = error.status_code
        return error.code != _QUOTA and (status in (408, 409, 429) or status >= 500)
    if isinstance(error, openai.APIConnectionError):
        return True
    return isinstance(error, openai.APIError) and bool(_PASSES.search(f'{error.code} {error.type}'))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """What the headers say about when to come back, from now [s].

    In milliseconds (`retry-after-ms`, as OpenAI and Azure send it), or by RFC 9110 section 10.2.3
    in seconds or as a date.
    """
    for name, unit in (('retry-after-ms', 1e-3), ('retry-after', 1.0)):
        try:
            seconds = float(headers.get(name, '')) * unit
        except ValueError:
            continue
        if not math.isnan(seconds):
            return max(seconds, 0.0)
    try:
        date = email.utils.parsedate_to_datetime(headers.get('retry-after', ''))
        return max(date.timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def advice(error: Exception) -> str:
    """What a person can do about an error, in front of the error's own words."""
    redirects = getattr(getattr(error, 'response', None), 'history', None)
    if redirects:
        moved = redirects[-1].headers.get('location', '?')
        text = f'it redirects to {moved}: set OPENAI_BASE_URL to where it is now'
    elif isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        text = 'the key is refused: look at OPENAI_API_KEY'
    elif isinstance(error, openai.NotFoundError):
        text = 'no such model or path: look at the name and OPENAI_BASE_URL'
    elif getattr(error, 'code', None) == _QUOTA:
        text = 'the quota of this key is used up: pay, or use another key'
    elif isinstance(error, openai.RateLimitError):
        text = 'too many requests: wait, or use another key'
    elif isinstance(error, openai.APITimeoutError):
        text = 'no connection in time: look whether it runs, and at OPENAI_BASE_URL'
    elif isinstance(error, openai.APIConnectionError):
        text = 'cannot connect: look whether it runs, and at OPENAI_BASE_URL'
    elif isinstance(error, openai.InternalServerError):
        text = 'the endpoint has a fault of its own: try later'
    elif isinstance(error, BrokenAnswerError):
        text = 'no answer of the OpenAI protocol: look at OPENAI_BASE_URL, or try later'
    else:
        text = 'it refuses the request'
    return f'{text} ({_words(error)})'


def _words(error: Exception) -> str:
    """What the error says; of a connection error its cause, which says more."""
    if isinstance(error, openai.APIConnectionError) and error.__cause__:
        cause = error.__cause__
        return f'{type(cause).__name__}: {cause}'[:300]
    return ' '.join(str(error).split())[:300]
