"""What each example of fgen and decompose is given, and what it does."""

from __future__ import annotations

from cap_planner.labels import Label
from prompt_cases.desk import Case, Program
from prompt_cases.tabletop import BRICKS
from prompt_cases.values import xy

FGEN = {
    'total = get_total(numbers=values)': Case({}, variables={'values': [1, 2, 4]}, value=7),
    'idx = get_top_most_idx(points=cup_positions)': Case(
        {}, variables={'cup_positions': [xy(0, -0.5), xy(0.1, -0.3), xy(0.2, -0.4)]}, value=1
    ),
    'name = get_biggest_obj_name(obj_names=cup_names)': Case(
        BRICKS, variables={'cup_names': ['red brick', 'gray tray']}, value='gray tray'
    ),
    'area = get_bbox_area(bbox=get_bbox(name))': Case(
        BRICKS, variables={'name': 'gray tray'}, value=0.0196
    ),
    'tell_names(obj_names=cup_names)': Case(
        {}, variables={'cup_names': ['red brick', 'cup']}, said=['red brick', 'cup']
    ),
}

# What the simpler instructions are answered with, and what comes of all of them.
DECOMPOSE = {
    'set the cup on the plate and the mug on the tray, then say which is nearer to you': Case(
        {
            'white cup': (-0.1, -0.5),
            'black mug': (0.2, -0.4),
            'red plate': (0.1, -0.6),
            'gray tray': (-0.15, -0.3),
        },
        answers={
            'set the white cup on the red plate': Program(
                "put_first_on_second('white cup', 'red plate')"
            ),
            'set the black mug on the gray tray': Program(
                "put_first_on_second('black mug', 'gray tray')"
            ),
            'say which of the white cup and the black mug is nearer to the top side': Program(
                "say(max(['white cup', 'black mug'], key=lambda name: get_obj_pos(name)[1]))"
            ),
        },
        moves=[('white cup', 'red plate'), ('black mug', 'gray tray')],
        said=['black mug'],
    ),
    'pile up the dice on the saucer from dark to light': Case(
        {
            'green die': (-0.2, -0.3),
            'white die': (0.0, -0.55),
            'black die': (0.2, -0.4),
            'green saucer': (-0.05, -0.65),
        },
        answers={
            f'put the {upper} on the {lower}': Program(f'put_first_on_second({upper!r}, {lower!r})')
            for upper, lower in [
                ('black die', 'green saucer'),
                ('green die', 'black die'),
                ('white die', 'green die'),
            ]
        },
        moves=[
            ('black die', 'green saucer'),
            ('green die', 'black die'),
            ('white die', 'green die'),
        ],
    ),
    'lift the white die': Case(
        {'green die': (-0.2, -0.3), 'white die': (0.0, -0.55)},
        fails=(Label.MODEL_MALFORMED, 'no program'),
    ),
}
