"""What each example of each prompt is given, and what it does, by the words of its request."""

from prompt_cases.tabletop import PARSE_OBJ_NAME, PARSE_POSITION, PARSE_QUESTION, TABLETOP_UI
from prompt_cases.whiteboard import DRAW_UI, PARSE_SHAPE_PTS, TRANSFORM_SHAPE_PTS
from prompt_cases.writing import DECOMPOSE, FGEN

UI_CASES = {'tabletop_ui': TABLETOP_UI, 'draw_ui': DRAW_UI}
LMP_CASES = {
    'parse_obj_name': PARSE_OBJ_NAME,
    'parse_position': PARSE_POSITION,
    'parse_question': PARSE_QUESTION,
    'parse_shape_pts': PARSE_SHAPE_PTS,
    'transform_shape_pts': TRANSFORM_SHAPE_PTS,
}
ALL_CASES = {**UI_CASES, **LMP_CASES, 'fgen': FGEN, 'decompose': DECOMPOSE}
