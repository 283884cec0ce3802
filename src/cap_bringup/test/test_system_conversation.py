"""A slice of the paper's conversations end to end; all of them: benchmarks/conversations.py."""

from pathlib import Path

import pytest

from cap_bringup.testing import running_system
from cap_eval.conversations import FOUR_BLOCKS, Told, Turn, judge_turn
from cap_eval.relations import in_bowl

pytestmark = pytest.mark.system

# What a real model answered.
LANGUAGES = Path(__file__).parents[2] / 'cap_planner/test/transcripts/languages.jsonl'
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


def test_instructions_in_any_language(tmp_path):
    model = f'replay:{LANGUAGES}'
    with running_system(tmp_path, source='ground_truth', model=model) as system:
        # To the left of the red bowl is room.
        system.client.reset_world(54, ('red', 'blue'), ('red', 'blue'))

        def world_after(instruction):
            result = system.client.execute(instruction, session='s', timeout_s=120.0)
            assert not result.error_code, result.error_msg
            assert system.evidence.recent(1)[0]['instruction'] == instruction
            return system.client.world()

        world = world_after('把红色的积木放进蓝色的碗里')
        assert in_bowl(world.get('red block'), world.get('blue bowl'))
        world = world_after('Pon el bloque azul a la izquierda del tazón rojo')
        block, bowl = (world.get(name).position for name in ('blue block', 'red bowl'))
        assert 0.09 < bowl[0] - block[0] < 0.21
        assert abs(bowl[1] - block[1]) < 0.07
        world = world_after('🟥🧱 ➡️ 🟥🥣')
        assert in_bowl(world.get('red block'), world.get('red bowl'))
