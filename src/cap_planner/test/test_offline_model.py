"""The offline model as a whole: its parts, its sources, its speed."""

from __future__ import annotations

import re
from pathlib import Path

from offline_world import (
    TABLE_LMPS,
    fixed,
)

from cap_planner.api import TABLETOP
from cap_planner.lmp import SessionTurn, build_messages
from cap_planner.models import Options
from cap_planner.models.offline import OfflineModel


def test_programs_go_through_the_other_lmps_and_fgen() -> None:
    case = fixed()
    case.instruct('put the leftmost block to the left of the red bowl')
    parts = {lmp for lmp, _, _ in case.world.programs}
    assert parts == {'tabletop_ui', 'parse_obj_name', 'parse_position', 'fgen'}


def test_repair_is_answered_with_the_same_program() -> None:
    """It has no second thoughts: the report that led here stays the last word."""
    from cap_planner.lmp import repair_round

    messages = build_messages(
        TABLE_LMPS['tabletop_ui'],
        TABLETOP,
        'stack the blocks',
        "objects = ['red block', 'blue block']",
    )
    model = OfflineModel()
    first = model.complete(messages, Options(deadline_s=1.0)).text
    again = [*messages, *repair_round(first, 'line 1: # put the blocks away. is no name')]
    assert model.complete(again, Options(deadline_s=1.0)).text == first


def test_no_benchmark_instruction_stands_in_the_sources() -> None:
    package = Path(__file__).parents[1] / 'cap_planner'
    sources = [*package.glob('models/**/*.py'), *package.glob('prompts/*.md')]
    assert len(sources) > 15
    color_word = r'(\w+ )?'
    templates = [
        rf'put (all )?the blocks in the {color_word}bowls? with',
        rf'put (all )?the blocks in the {color_word}bowl\b',
        rf'put the {color_word}block (on|in) the {color_word}(block|bowl)',
        rf'put the {color_word}block to the \w+ of the',
        r'stack all the blocks',
        r'put all the blocks (on|in)',
        rf'move the {color_word}block a bit to',
        r'put the leftmost block',
        r'what is the leftmost block\?',
        rf'pick up the {color_word}block',
        r'(first|second|third|fourth) block from the',
    ]
    for source in sources:
        text = ' '.join(source.read_text(encoding='utf-8').lower().split())
        for template in templates:
            found = re.search(template, text)
            assert found is None or found[0] == 'second block from the', (source, found)


def test_speed() -> None:
    """Milliseconds for a program: a coarse bound that a slow machine keeps too."""
    case = fixed()
    context = f'objects = {case.world.get_obj_names()}'
    text = (
        'pick up the second block from the left and place it a little to the left of the red bowl'
    )
    messages = build_messages(TABLE_LMPS['tabletop_ui'], TABLETOP, text, context)
    model = OfflineModel()
    model.complete(messages, Options(deadline_s=1.0))
    times = [model.complete(messages, Options(deadline_s=1.0)).duration_s for _ in range(5)]
    assert min(times) < 0.05


def test_it_knows_how_many_requests_a_prompt_shows() -> None:
    from cap_planner.lmp import MAX_SESSION_TURNS
    from cap_planner.models.offline.write_drawing import SHOWN_TURNS

    assert SHOWN_TURNS == MAX_SESSION_TURNS


def test_what_was_done_is_read_from_the_messages() -> None:
    """Also names with quotation marks, and what failed after something had been moved."""
    context = "objects = ['red block']"
    turns = [
        SessionTurn(
            'tidy up',
            context,
            '',
            done=(
                "moved 'red block' from [0.100, -0.400] to [-0.100, -0.600] on 'red bowl'",
                'moved "Bob\'s cup" from [0.000, -0.500] to [0.200, -0.500]',
                "displaced 'red block' from [-0.100, -0.600] to [-0.150, -0.600]",
                "may have moved 'blue block' from [0.300, -0.600]",
                'it failed: slippery',
            ),
        ),
        SessionTurn('how many blocks are there?', context, 'say("1")'),
    ]
    messages = build_messages(TABLE_LMPS['tabletop_ui'], TABLETOP, 'undo that', context, turns)
    assert OfflineModel().complete(messages, Options(deadline_s=1.0)).text == (
        "put_first_on_second('red block', [-0.1, -0.6])\n"
        'put_first_on_second("Bob\'s cup", [0, -0.5])\n'
        "put_first_on_second('red block', [0.1, -0.4])"
    )
