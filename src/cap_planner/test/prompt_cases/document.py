"""What each example of docs/prompting.md is given, and what it does."""

from __future__ import annotations

from prompt_cases.desk import Case, Program
from prompt_cases.tabletop import CUPS
from prompt_cases.values import xy

DOC_ANGLE = {
    'a quarter turn clockwise': Case(CUPS, value=-90.0),
    'twice as much': Case(CUPS, variables={'angle_deg': 45.0}, value=90.0),
    'the direction from the mug to the plate': Case(
        CUPS, answers={'the mug': 'black mug', 'the plate': 'red plate'}, value=-123.69006752597979
    ),
}
DOC_UI = {
    'the mug goes onto the plate': Case(
        CUPS,
        answers={'the mug': 'black mug', 'the plate': 'red plate'},
        moves=[('black mug', 'red plate')],
    ),
    'no, put it back': Case(moves=[('black mug', xy(0.2, -0.35))]),
    'line up everything but the plate, from left to right': Case(
        CUPS,
        answers={
            'everything but the plate': ['white cup', 'black mug'],
            'a horizontal line with 2 points': Program(
                'ret_val = [np.array([x, -0.7]) for x in [-0.1, 0.1]]'
            ),
        },
        moves=[('white cup', xy(-0.1, -0.7)), ('black mug', xy(0.1, -0.7))],
    ),
    'set the cup down where the mug would be if it were turned by half a circle around the plate': (
        Case(
            CUPS,
            answers={
                'where pos is after half a turn around center_pos': Program(
                    'ret_val = 2 * center_pos - pos'
                )
            },
            moves=[('white cup', xy(0.0, -0.65))],
        )
    ),
    'which thing is the smallest?': Case(CUPS, said=['The black mug.']),
}
DOC_FGEN = {
    'name = get_smallest_obj_name(obj_names=get_obj_names())': Case(CUPS, value='black mug'),
    'get_box_area(box=get_bbox(name))': Case(CUPS, variables={'name': 'red plate'}, value=0.0196),
}
