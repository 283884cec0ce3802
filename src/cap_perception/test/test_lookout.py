"""Requests of one thread, pictures of another."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cap_common.errors import InvalidGoalError, ObjectNotFoundError, PerceptionLostError
from cap_perception.checked import DetectorFaultError
from cap_perception.lookout import Lookout
from cap_perception.phrases import UnknownPhraseError
from cap_perception.types import SceneObject

EGG = SceneObject('3', 'egg', 'egg', 'white', np.eye(4), (0.1, 0.1, 0.1), 1.0, 7, True)


def search(phrase):
    if phrase == 'unicorn':
        raise UnknownPhraseError('it knows egg')
    if phrase == 'fault':
        raise DetectorFaultError('out of memory')
    return [EGG] if phrase == 'egg' else []


@pytest.fixture
def ask():
    """Ask in a thread, and take a picture as soon as the question is known."""
    lookout = Lookout(0.05, lambda: True)

    def ask(phrases, timeout_s=0.0, pictures=True):
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(lookout.look_for, phrases, timeout_s, lambda: 'camera is off')
            pause = threading.Event()
            while pictures and not answer.done():
                lookout.serve(7, search, lambda: ['block'])
                pause.wait(0.005)
            return answer.result()

    return ask


def test_what_is_in_the_picture(ask):
    finding = ask(['egg', 'apple'])
    assert (finding.stamp_ns, finding.found) == (7, (('egg', EGG),))


@pytest.mark.parametrize('timeout_s', [0.0, 0.02])
def test_what_is_not_there_within_the_time(ask, timeout_s):
    with pytest.raises(ObjectNotFoundError, match=r"'apple' or 'plum'; the scene has \['block'\]"):
        ask(['apple', 'plum'], timeout_s)


def test_no_picture(ask):
    with pytest.raises(PerceptionLostError, match='camera is off'):
        ask(['egg'], pictures=False)


def test_a_fault_of_the_detector(ask):
    with pytest.raises(PerceptionLostError, match='out of memory'):
        ask(['fault'])


@pytest.mark.parametrize(
    ('phrases', 'timeout_s', 'words'),
    [
        ([], 1.0, 'empty'),
        ([' '], 1.0, 'no phrase'),
        (['unicorn'], 1.0, 'it knows egg'),
        (['egg'], -1.0, 'timeout_s is -1.0'),
        (['egg'], float('nan'), 'timeout_s is nan'),
        (['egg'], float('inf'), 'timeout_s is inf'),
    ],
)
def test_wrong_questions(ask, phrases, timeout_s, words):
    with pytest.raises(InvalidGoalError, match=words):
        ask(phrases, timeout_s)


def test_a_picture_that_is_being_looked_at_is_waited_for():
    idle = [False, False, True]
    lookout = Lookout(0.01, lambda: idle.pop(0))
    with pytest.raises(PerceptionLostError):
        lookout.look_for(['egg'], 0.0, lambda: '')
    assert not idle
