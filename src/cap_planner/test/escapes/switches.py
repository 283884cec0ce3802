"""How each check of the host is switched off: by what a credulous host does in its place."""

from __future__ import annotations

import base64
import contextlib
import json
import pickle
from collections.abc import Collection, Iterator
from typing import Any
from unittest import mock

import numpy as np
import shapely

from cap_planner.sandbox import frames, run, sessions
from cap_planner.sandbox.program import Call, NestedResult, Program, Session
from escapes.attack import Layer


def _believe_bytes(payload: bytes) -> Any:
    """As smolagents read results before CVE-2025-14931: what looks pickled is unpickled."""
    if payload[:1] == b'\x80':
        return pickle.loads(payload)
    return _believe_tags(json.loads(payload))


def _believe_tags(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_believe_tags(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    values = {key: _believe_tags(value) for key, value in plain.items()}
    match values.get('~'):
        case 'array' | 'scalar':
            raw = np.frombuffer(base64.b64decode(values['data']), np.dtype(values['dtype']))
            return raw.reshape(values['shape'])
        case 'text':
            return np.array(values['data']).reshape(values['shape'])
        case 'shape':
            return shapely.from_wkb(values['wkb'])
        case 'tuple':
            return tuple(values['items'])
        case 'set':
            return set(values['items'])
        case 'dict':
            return dict(values['items'])
    return values


def _believe_call(message: dict[str, Any], program: Program) -> Call:
    args, kwargs = tuple(message.get('args', ())), message.get('kwargs', {})
    return Call(message.get('id', 0), message['name'], args, kwargs, message.get('line', 0), 0)


def _believe_result(_: run.Run, message: dict[str, Any]) -> tuple[Call, NestedResult]:
    return Call(message['id'], 'unknown', (), {}, 0, 0), NestedResult(message.get('value'), None)


def _believe_session(
    program: Program, end: dict[str, Any], known: dict[str, str]
) -> tuple[Session, dict[str, str]]:
    return Session(end['variables'], end['functions'], ()), {}


_CREDULOUS = {
    Layer.SIZE: (frames, 'MAX_BYTES', 1 << 40),
    Layer.CODEC: (frames, 'loads', _believe_bytes),
    Layer.CALL: (run, '_call', _believe_call),
    Layer.NESTED: (run.Run, '_nested_result', _believe_result),
    Layer.NAMES: (sessions, '_check_names', lambda program, names: None),
    Layer.SOURCES: (run, 'next_session', _believe_session),
    Layer.IMPORTS: (sessions, '_is_harmless', lambda node, protected: True),
}


@contextlib.contextmanager
def switched_off(layers: Collection[str]) -> Iterator[None]:
    """The host's checks among these layers are off for as long as this lasts."""
    with contextlib.ExitStack() as stack:
        for layer, (where, name, instead) in _CREDULOUS.items():
            if layer in layers:
                stack.enter_context(mock.patch.object(where, name, instead))
        yield
