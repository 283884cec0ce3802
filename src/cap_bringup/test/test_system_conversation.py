"""A slice of the paper's conversations end to end; all of them: benchmarks/conversations.py."""

import pytest

from cap_bringup.testing import running_system
from cap_eval.conversations import FOUR_BLOCKS, Told, Turn, judge_turn

pytestmark = pytest.mark.system

BY_TEXT = {turn.instruction: turn for turn in FOUR_BLOCKS.turns}
TURNS = (
    BY_TEXT['Move the red block 5cm to the bottom'],
    Turn(
        'Which block did you move?',
        lambda told: [] if told.spoken == 'I moved the red block.' else [told.spoken],
    ),
    BY_TEXT['Undo that'],
)


def test_memory_and_undo(tmp_path):
    with running_system(tmp_path, blocks='3', bowls='0', source='ground_truth') as system:
        system.client.reset_world(5, ('red', 'green', 'blue'), ())
        worlds = [system.client.world()]
        for turn in TURNS:
            result = system.client.execute(turn.instruction, session='s', timeout_s=120.0)
            assert not result.error_code, result.error_msg
            worlds.append(system.client.world())
            # What is undone is the last turn that moved something.
            judged = [worlds[0], *worlds[-2:]] if turn.instruction == 'Undo that' else worlds
            assert judge_turn(turn, Told(judged, result.answer)) == ''
