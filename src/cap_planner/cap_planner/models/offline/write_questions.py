"""parse_question: from a question to a program that answers it. No ROS."""

from __future__ import annotations

from collections.abc import Sequence

from cap_planner.models.offline.code import Code, Refusal, quoted
from cap_planner.models.offline.meaning import (
    Anchor,
    Group,
    Place,
    Pronoun,
    Question,
    Reference,
    Relation,
    Things,
)
from cap_planner.models.offline.names import color_of, lexical_matches
from cap_planner.models.offline.write_names import NEAR_DISTANCE, reach

_AXIS = {'left': ('0', '<'), 'right': ('0', '>'), 'top': ('1', '>'), 'bottom': ('1', '<')}


class QuestionsWriter:
    """Writes one program for the objects of one scene."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._code = Code()

    def write(self, question: Question) -> str:
        """The program: `ret_val` is the answer."""
        things = question.things
        match question.kind:
            case 'which':
                self._which(things, plural=question.answer == 'names')
            case 'how many':
                self._how_many(things)
            case 'exists':
                self._exists(things)
            case 'is':
                self._is(things, question.predicate)
            case 'is one of':
                self._is_one_of(things, question.predicate)
            case 'color':
                self._color(things)
            case 'where':
                self._where(things)
            case _:
                self._distance(things, question.second)
        return str(self._code)

    def _returns(self, expression: str) -> None:
        self._code.add(f'ret_val = {expression}')

    def _ask(self, things: Reference) -> str:
        return self._code.ask('parse_obj_name', quoted(things.text))

    def _literal(self, things: Reference) -> list[str] | None:
        if isinstance(things, Things) and things.lexical:
            return lexical_matches(things, self._names)
        return None

    def _which(self, things: Reference, plural: bool) -> None:
        if plural:
            self._all_of(things, 'ret_val')
        else:
            self._returns(self._ask(things))

    def _all_of(self, things: Reference, variable: str) -> None:
        """A list of names, empty if there is none."""
        literal = self._literal(things)
        if literal is not None:
            self._code.add(f'{variable} = {literal!r}')
            return
        self._code.add(
            f'try:\n    {variable} = {self._ask(things)}\n'
            f'except ObjectNotFoundError:\n    {variable} = []'
        )

    def _how_many(self, things: Reference) -> None:
        self._all_of(things, 'names')
        self._returns('len(names)')

    def _exists(self, things: Reference) -> None:
        literal = self._literal(things)
        if literal is not None and isinstance(things, Things):
            self._returns(f'len({literal!r}) >= {things.count or 1}')
            return
        self._code.add(
            f'try:\n    {self._ask(things)}\n    ret_val = True\n'
            f'except ObjectNotFoundError:\n    ret_val = False'
        )

    def _is(self, things: Reference, predicate: Things | None) -> None:
        """Every relation has to hold for every one of the things."""
        if predicate is None or isinstance(things, Pronoun):
            raise Refusal('I do not know what is meant.')
        plural = isinstance(things, Group) or things.plural
        asked = self._ask(things)
        self._code.add(f'names = {asked}' if plural else f'names = [{asked}]')
        tests = [self._test(relation, things) for relation in predicate.relations]
        tests += [f'{word!r} in name.split()' for word in predicate.adjectives]
        tests += [f'{word!r} not in name.split()' for word in predicate.not_adjectives]
        if predicate.order or predicate.by_distance:
            tests.append(self._is_extreme(things, predicate))
        if not tests:
            raise Refusal('I do not know what is asked of it.')
        self._returns(f'all({" and ".join(tests)} for name in names)')

    def _is_extreme(self, things: Group | Things, predicate: Things) -> str:
        head = things.head if isinstance(things, Things) else ''
        noun = head or 'object'
        if predicate.order:
            text = f'the {predicate.order.direction}most {noun}'
        else:
            text = f'the {noun} {predicate.text.removeprefix("it that is ")}'
        self._code.add(f'extreme_name = {self._code.ask("parse_obj_name", quoted(text))}')
        return 'name == extreme_name'

    def _test(self, relation: Relation, things: Reference) -> str:
        """A condition on `name`."""
        negation = 'not ' * relation.negated
        if relation.kind.endswith('color'):
            colors = {name: color_of(name) for name in self._names}
            other = self._name(relation.anchor)
            self._code.add(f'colors = {colors!r}')
            sign = '==' if relation.kind == 'same color' else '!='
            return f'{negation}colors[name] {sign} colors[{other}]'
        if relation.kind == 'at' and isinstance(relation.anchor, Place):
            return negation + _at_place(relation.anchor)
        position = self._position(relation.anchor)
        if relation.kind in _AXIS:
            axis, sign = _AXIS[relation.kind]
            return f'{negation}get_obj_pos(name)[{axis}] {sign} {position}[{axis}]'
        head = getattr(things, 'head', '')
        limit = reach(relation, head)
        return f'{negation}np.linalg.norm(get_obj_pos(name) - {position}) < {limit}'

    def _name(self, anchor: Anchor) -> str:
        if isinstance(anchor, Place | Pronoun | Group) or anchor.plural:
            raise Refusal('I can compare with one named object at a time.')
        name = self._code.variable(f'{anchor.head or "object"}_name')
        self._code.add(f'{name} = {self._ask(anchor)}')
        return name

    def _position(self, anchor: Anchor) -> str:
        if isinstance(anchor, Place):
            return f'get_obj_pos({anchor.name!r})'
        return f'get_obj_pos({self._name(anchor)})'

    def _is_one_of(self, things: Reference, other: Things | None) -> None:
        if other is None:
            raise Refusal('I do not know what is meant.')
        self._code.add(f'name = {self._ask(things)}')
        self._code.add(f'other = {self._ask(other)}')
        self._returns('name in other' if other.plural else 'name == other')

    def _color(self, things: Reference) -> None:
        colors = {name: color_of(name) for name in self._names}
        self._code.add(f'colors = {colors!r}')
        plural = isinstance(things, Group) or things.plural
        self._code.add(f'{"names" if plural else "name"} = {self._ask(things)}')
        self._returns("', '.join(colors[name] for name in names)" if plural else 'colors[name]')

    def _where(self, things: Reference) -> None:
        if isinstance(things, Group) or things.plural:
            raise Refusal('Ask for one object at a time.')
        self._code.add(
            f'name = {self._ask(things)}\n'
            'pos = get_obj_pos(name)\n'
            "places = ['middle', get_corner_name(pos), get_side_name(pos)]\n"
            'place_positions = [get_obj_pos(place) for place in places]\n'
            'idx = get_closest_idx(points=place_positions, point=pos)'
        )
        self._returns(
            "f'The {name} is near the {places[idx]}, at x = {pos[0]:.2f} m, y = {pos[1]:.2f} m.'"
        )

    def _distance(self, first: Reference, second: Reference | Place | None) -> None:
        if second is None or not isinstance(first, Things):
            raise Refusal('I do not know between what.')
        start, end = self._position(first), self._position(second)
        self._code.add(f'distance = np.linalg.norm({start} - {end})')
        self._returns("f'{distance * 100:.0f} cm'")


def _at_place(place: Place) -> str:
    if place.name.endswith('side'):
        axis, sign = _AXIS[place.name.split()[0]]
        return f"get_obj_pos(name)[{axis}] {sign} get_obj_pos('middle')[{axis}]"
    if place.name.endswith('corner'):
        return f'get_corner_name(get_obj_pos(name)) == {place.name!r}'
    return f"np.linalg.norm(get_obj_pos(name) - get_obj_pos('middle')) < {NEAR_DISTANCE}"
