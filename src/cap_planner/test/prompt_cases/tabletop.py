"""What each example of the tabletop is given, and what it does."""

from __future__ import annotations

import numpy as np

from cap_planner.labels import Label
from cap_planner.robot import Manner
from prompt_cases.desk import Case, Program
from prompt_cases.values import positions, xy

CUPS = {
    'white cup': (-0.1, -0.5),
    'black mug': (0.2, -0.35),
    'red plate': (0.1, -0.5),
}
DICE = {
    'green die': (-0.2, -0.3),
    'white die': (0.0, -0.35),
    'black die': (0.2, -0.4),
    'green saucer': (-0.15, -0.6),
    'black saucer': (0.15, -0.6),
}
BRICKS = {'red brick': (-0.1, -0.4), 'blue brick': (0.1, -0.45), 'gray tray': (0.0, -0.6)}
TRAYS = {
    'red brick': (-0.2, -0.35),
    'blue brick': (0.1, -0.35),
    'gray tray': (-0.1, -0.6),
    'white tray': (0.15, -0.6),
}
THREE_BRICKS = {
    'red brick': (-0.2, -0.3),
    'blue brick': (0.0, -0.3),
    'white brick': (0.2, -0.3),
    'gray tray': (-0.1, -0.6),
}
TRIANGLE = [  # around the middle
    (0.12 * np.cos(angle), -0.5 + 0.12 * np.sin(angle)) for angle in np.radians([90, 210, 330])
]
TURNED = [
    (0.12 * np.cos(angle), -0.5 + 0.12 * np.sin(angle)) for angle in np.radians([150, 270, 390])
]

TABLETOP_UI = {
    'set the mug down on the plate': Case(
        CUPS,
        answers={'the mug': 'black mug', 'the plate': 'red plate'},
        moves=[('black mug', 'red plate')],
    ),
    'now shift it 3 cm toward the top': Case(
        answers={
            'the point 3 cm above the black mug': Program(
                "ret_val = get_obj_pos('black mug') + np.array([0, 0.03])"
            )
        },
        moves=[('black mug', xy(0.1, -0.47))],
    ),
    'why did you move the mug?': Case(
        said=['Because you asked me to shift it 3 cm toward the top.']
    ),
    'likewise with the cup': Case(
        answers={
            'the cup': 'white cup',
            'the point 3 cm above the white cup': Program(
                "ret_val = get_obj_pos('white cup') + np.array([0, 0.03])"
            ),
        },
        moves=[('white cup', xy(-0.1, -0.47))],
    ),
    'take that back': Case(moves=[('white cup', xy(-0.1, -0.5))]),
    'softly place the cup on the right side': Case(
        CUPS,
        answers={'the cup': 'white cup'},
        moves=[('white cup', xy(0.25, -0.5))],
        manner=Manner(0.3, 8.0),
    ),
    'grab the mug': Case(answers={'the mug': 'black mug'}, held='black mug'),
    'drop it on the plate': Case(
        answers={'the plate': 'red plate'}, moves=[('black mug', 'red plate')]
    ),
    'every die belongs on the saucer of its own color': Case(
        DICE,
        answers={
            'the dice': ['green die', 'white die', 'black die'],
            'the saucer with the same color as the green die': 'green saucer',
            'the saucer with the same color as the white die': Program(
                "raise ObjectNotFoundError('there is no white saucer')"
            ),
            'the saucer with the same color as the black die': 'black saucer',
        },
        moves=[('green die', 'green saucer'), ('black die', 'black saucer')],
        said=['There is no saucer for the white die.'],
    ),
    'make a tower of the dice': Case(
        DICE,
        answers={'the dice': ['green die', 'white die', 'black die']},
        moves=[('white die', 'green die'), ('black die', 'white die')],
    ),
    'gather the bricks at the right edge': Case(
        BRICKS,
        answers={
            'the bricks': ['red brick', 'blue brick'],
            'the right side': Program("ret_val = get_obj_pos('right side')"),
        },
        moves=[('red brick', xy(0.25, -0.5)), ('blue brick', xy(0.25, -0.5))],
    ),
    (
        'take the brick closest to the white tray and set it a little to the left of the gray one'
    ): Case(
        TRAYS,
        answers={
            'the brick closest to the white tray': 'blue brick',
            'a little to the left of the gray tray': Program(
                "ret_val = get_obj_pos('gray tray') + np.array([-0.1, 0])"
            ),
        },
        moves=[('blue brick', xy(-0.2, -0.6))],
    ),
    'lay the bricks out in a column': Case(
        THREE_BRICKS,
        answers={
            'the bricks': ['red brick', 'blue brick', 'white brick'],
            'a vertical line with 3 points': Program(
                'ret_val = [np.array([0.2, y]) for y in [-0.4, -0.5, -0.6]]'
            ),
        },
        moves=[
            ('red brick', xy(0.2, -0.4)),
            ('blue brick', xy(0.2, -0.5)),
            ('white brick', xy(0.2, -0.6)),
        ],
    ),
    'is the red brick in the tray?': Case(
        BRICKS, answers={'is the red brick in the tray?': False}, said=['No.']
    ),
    'how many bricks can you see?': Case(
        BRICKS, answers={'how many bricks can you see?': 2}, said=['2']
    ),
    'form a triangle with the bricks in the middle': Case(
        THREE_BRICKS,
        answers={
            'the bricks': ['red brick', 'blue brick', 'white brick'],
            'the 3 corners of a triangle in the middle': Program(
                f'ret_val = [np.array(pos) for pos in {np.array(TRIANGLE).tolist()}]'
            ),
        },
        moves=[
            ('red brick', xy(*TRIANGLE[0])),
            ('blue brick', xy(*TRIANGLE[1])),
            ('white brick', xy(*TRIANGLE[2])),
        ],
    ),
    'turn the triangle by 60 degrees': Case(
        moves=[
            ('red brick', xy(*TURNED[0])),
            ('blue brick', xy(*TURNED[1])),
            ('white brick', xy(*TURNED[2])),
        ],
    ),
    'when a mug comes, set it on the tray': Case(
        BRICKS, comes=(20, 'mug', (0.2, -0.7)), moves=[('mug', 'gray tray')]
    ),
    'can you paint the bricks?': Case(
        BRICKS, said=['No. I can only pick things up, put them down, and tell what I see.']
    ),
}

KITCHEN = {
    'white cup': (-0.1, -0.5),
    'black mug': (0.2, -0.6),
    'red plate': (0.1, -0.4),
    'red cup': (-0.2, -0.3),
}
SAUCERS = {
    'green die': (-0.2, -0.3),
    'white die': (0.0, -0.55),
    'black die': (0.2, -0.4),
    'green saucer': (-0.05, -0.65),
    'white saucer': (0.15, -0.5),
}
PARSE_OBJ_NAME = {
    'the red cup': Case(KITCHEN, value='red cup'),
    'all the cups': Case(KITCHEN, value=['white cup', 'red cup']),
    'the things that are not red': Case(KITCHEN, value=['white cup', 'black mug']),
    'the green spoon': Case(KITCHEN, fails=(Label.OBJECT_NOT_FOUND, 'no green spoon; there are')),
    'the saucer of the same color as the white die': Case(SAUCERS, value='white saucer'),
    'the rightmost die': Case(SAUCERS, value='black die'),
    'the second die from the bottom': Case(SAUCERS, value='black die'),
    'the die nearest to the green saucer': Case(SAUCERS, value='white die'),
    'the dice above the white saucer': Case(SAUCERS, value=['green die', 'black die']),
}

PARSE_POSITION = {
    'the top right corner': Case({}, value=xy(0.25, -0.25)),
    'the red cup': Case(KITCHEN, answers={'the red cup': 'red cup'}, value=xy(-0.2, -0.3)),
    '7 cm below the white cup': Case(
        KITCHEN, answers={'the white cup': 'white cup'}, value=xy(-0.1, -0.57)
    ),
    'to the right of the gray tray': Case(
        BRICKS, answers={'the gray tray': 'gray tray'}, value=xy(0.1, -0.6)
    ),
    'halfway between the mug and the left side': Case(
        KITCHEN, answers={'the mug': 'black mug'}, value=xy(-0.025, -0.55)
    ),
    'the corner farthest from the mug': Case(
        KITCHEN, answers={'the mug': 'black mug'}, value=xy(-0.25, -0.25)
    ),
    'a diagonal line with 4 points': Case(
        BRICKS,
        value=lambda line: (
            len(line) == 4
            and np.allclose(np.diff(line, axis=0)[:, 0], np.diff(line, axis=0)[:, 1])
            and np.all(np.diff(line, axis=0) > 0.03)
        ),
    ),
    'a line with 3 points from the middle to the top side': Case(
        {}, value=positions((0, -0.5), (0, -0.375), (0, -0.25))
    ),
    'the 3 corners of a triangle in the middle': Case({}, value=positions(*TRIANGLE)),
    'a vertical line 15 cm long with 4 points, 8 cm above the gray tray': Case(
        BRICKS,
        answers={'the gray tray': 'gray tray'},
        value=positions((0, -0.37), (0, -0.42), (0, -0.47), (0, -0.52)),
    ),
}

PARSE_QUESTION = {
    'how many red things are there?': Case(KITCHEN, value=2),
    'what is the topmost cup?': Case(
        KITCHEN, answers={'the topmost cup': 'red cup'}, value='red cup'
    ),
    'is the mug to the right of the red cup?': Case(
        # Where mixing up x and y would tell something else.
        {**KITCHEN, 'black mug': (-0.27, -0.6), 'red cup': (-0.3, -0.26)},
        answers={'the mug': 'black mug', 'the red cup': 'red cup'},
        value=True,
    ),
    'is there anything on the plate?': Case(
        {**KITCHEN, 'white cup': (0.16, -0.44)},
        value=True,
        also=(Case({**KITCHEN, 'white cup': (0.22, -0.4)}, value=False),),
    ),
    'is there a spoon?': Case(KITCHEN, value=False),
    'where is the mug?': Case(
        KITCHEN,
        answers={'the mug': 'black mug'},
        value='The black mug is near the bottom right corner, at (0.20, -0.60) m.',
    ),
}
