"""parse_obj_name: from a noun phrase to a program that finds its objects. No ROS."""

from __future__ import annotations

from collections.abc import Sequence

from cap_planner.models.offline.code import Code, quoted
from cap_planner.models.offline.meaning import (
    Anchor,
    ByDistance,
    Group,
    Order,
    Place,
    Pronoun,
    Reference,
    Relation,
    Things,
)
from cap_planner.models.offline.names import (
    PLATES,
    by_sweetness,
    color_of,
    lexical_matches,
)

_AXIS = {'left': ('0', '<'), 'right': ('0', '>'), 'top': ('1', '>'), 'bottom': ('1', '<')}
_WHERE = {'left': 'left of', 'right': 'right of', 'top': 'above', 'bottom': 'below'}
_NOT = {'<': '>=', '>': '<='}
ON_DISTANCE = 0.05
ON_PLATE_DISTANCE = 0.1
NEAR_DISTANCE = 0.15
"""Metres between centres; the first is in prompts/parse_question.py."""


class NamesWriter:
    """Writes one program for the objects of one scene."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._code = Code()

    def write(self, things: Reference) -> str:
        """The program: `ret_val` is a name or a list of names."""
        if isinstance(things, Group):
            self._group(things)
        elif isinstance(things, Things):
            self._things(things)
        else:
            self._missing(things.text)
        return str(self._code)

    def _group(self, group: Group) -> None:
        found: list[str] = []
        for member in group.members:
            matches = self._literal(member)
            if matches is None:
                self._group_by_calls(group)
                return
            found += [name for name in matches if name not in found]
        self._code.add(f'ret_val = {found!r}')

    def _literal(self, member: Reference) -> list[str] | None:
        """The names, where the names alone tell, and there are some."""
        if not isinstance(member, Things) or not member.lexical or member.not_adjectives:
            return None
        matches = lexical_matches(member, self._names)
        if not matches or (not member.plural and len(matches) > 1):
            return None
        return matches if member.count is None else None

    def _group_by_calls(self, group: Group) -> None:
        self._code.add('ret_val = []')
        for member in group.members:
            call = self._code.ask('parse_obj_name', quoted(member.text))
            plural = isinstance(member, Group) or member.plural
            self._code.add(f'ret_val += {call}' if plural else f'ret_val.append({call})')

    # ── one noun phrase ──────────────────────────────────────────────────────────────────────

    def _things(self, things: Things) -> None:
        matches = lexical_matches(things, self._names)
        if not matches:
            self._missing(things.text)
        elif things.lexical:
            self._by_name(things, matches)
        else:
            self._by_position(things, matches)

    def _missing(self, text: str) -> None:
        there = ', '.join(self._names) or 'nothing'
        self._raise(f'there is no object that is {_with_article(text)}; there are: {there}')

    def _raise(self, text: str) -> None:
        self._code.add(f'raise ObjectNotFoundError({quoted(text)})')

    def _by_name(self, things: Things, matches: list[str]) -> None:
        if things.count is not None and len(matches) < things.count:
            self._raise(f'{things.text}: there are only {len(matches)}: {", ".join(matches)}')
        elif things.plural and things.definite and 0 < (things.count or 0) < len(matches):
            self._raise(f'{_with_article(things.text)} can be any of: {", ".join(matches)}')
        elif things.plural:
            self._code.add(f'ret_val = {matches[: things.count]!r}')
        elif len(matches) == 1 or not things.definite:
            self._code.add(f'ret_val = {matches[0]!r}')
        else:
            self._raise(f'{_with_article(things.text)} can be any of: {", ".join(matches)}')

    def _by_position(self, things: Things, matches: list[str]) -> None:
        head = things.head or 'object'
        if things.by_look in ('sweetest', 'sourest'):
            self._by_taste(things, matches)
            return
        matches = self._without_anchors(things, matches)
        if not matches:
            self._missing(things.text)
            return
        names = self._code.variable(f'{head}_names')
        self._code.add(f'{names} = {matches!r}')
        if things.excluded:
            self._exclude(things.excluded, names)
        nearest: Anchor | None = None
        for relation in things.relations:
            nearest = self._relate(relation, names, matches, things.head) or nearest
        if things.relations or things.excluded:
            text = f'none of {", ".join(matches)} is {_with_article(things.text)}'
            self._code.add(f'if not {names}:\n    raise ObjectNotFoundError({quoted(text)})')
        self._choose(things, names, nearest)

    def _by_taste(self, things: Things, matches: list[str]) -> None:
        """Which of them is sweetest is no matter of sight: the model knows it, or does not."""
        known = by_sweetness(matches)
        if len(known) < len(matches) or things.plural or things.relations or things.excluded:
            self._raise(f'I do not know the taste of all of: {", ".join(matches)}')
        else:
            self._code.add(f'ret_val = {known[-1 if things.by_look == "sweetest" else 0]!r}')

    def _without_anchors(self, things: Things, matches: list[str]) -> list[str]:
        """'The block closest to the red block' is another block than the red one."""
        anchors: list[Anchor] = [relation.anchor for relation in things.relations]
        if things.by_distance:
            anchors.append(things.by_distance.anchor)
        spoken = {
            name
            for anchor in anchors
            if isinstance(anchor, Things) and anchor.lexical and not anchor.plural
            for name in lexical_matches(anchor, self._names)[:1]
        }
        return [name for name in matches if name not in spoken]

    def _exclude(self, excluded: Anchor, names: str) -> None:
        if isinstance(excluded, Group | Things):
            literal: list[str] = []
            members = excluded.members if isinstance(excluded, Group) else (excluded,)
            for member in members:
                found = self._literal(member)
                if found is None:
                    break
                literal += found
            else:
                self._code.add(f'{names} = [name for name in {names} if name not in {literal!r}]')
                return
            others = self._code.ask('parse_obj_name', quoted(excluded.text))
            other = self._code.variable('other')
            self._code.add(f'{other} = {others}')
            plural = isinstance(excluded, Group) or excluded.plural
            test = 'not in' if plural else '!='
            self._code.add(f'{names} = [name for name in {names} if name {test} {other}]')

    # ── relations ────────────────────────────────────────────────────────────────────────────

    def _relate(
        self, relation: Relation, names: str, matches: list[str], head: str
    ) -> Anchor | None:
        """Keep what fits; returns what the nearest is to be chosen by."""
        if relation.kind.endswith('color'):
            self._same_color(relation, names, matches)
            return None
        if relation.kind == 'at' and isinstance(relation.anchor, Place):
            self._at_place(relation, relation.anchor, names)
            return relation.anchor
        position = self._position(relation.anchor)
        if relation.kind in _AXIS:
            axis, sign = _AXIS[relation.kind]
            sign = _NOT[sign] if relation.negated else sign
            test = f'get_obj_pos(name)[{axis}] {sign} {position}[{axis}]'
        else:
            limit = reach(relation, head)
            sign = '>=' if relation.negated else '<'
            test = f'np.linalg.norm(get_obj_pos(name) - {position}) {sign} {limit}'
        self._code.add(f'{names} = [name for name in {names} if {test}]')
        return None if relation.negated else relation.anchor

    def _at_place(self, relation: Relation, place: Place, names: str) -> None:
        """On which half of the table, in which corner, or around the middle."""
        if place.name.endswith('side'):
            axis, sign = _AXIS[place.name.split()[0]]
            test = f"get_obj_pos(name)[{axis}] {sign} get_obj_pos('middle')[{axis}]"
        elif place.name.endswith('corner'):
            test = f'get_corner_name(get_obj_pos(name)) == {place.name!r}'
        else:
            test = f"np.linalg.norm(get_obj_pos(name) - get_obj_pos('middle')) < {NEAR_DISTANCE}"
        test = f'not {test}' if relation.negated else test
        self._code.add(f'{names} = [name for name in {names} if {test}]')

    def _same_color(self, relation: Relation, names: str, matches: list[str]) -> None:
        same = (relation.kind == 'same color') != relation.negated
        literal = self._literal(relation.anchor) if isinstance(relation.anchor, Things) else None
        if literal is not None and len(literal) == 1:
            # Both are in front of the model: the names say it.
            color = color_of(literal[0])
            kept = [n for n in matches if (color_of(n) == color) == same and n not in literal]
            self._code.add(
                f'{names} = {kept!r}  # not {color}' if not same else f'{names} = {kept!r}'
            )
            return
        anchor = self._code.variable('other_name')
        text = relation.anchor.text if not isinstance(relation.anchor, Place) else ''
        colors = {name: color_of(name) for name in self._names}
        test = '==' if same else '!='
        self._code.add(
            f'{anchor} = {self._code.ask("parse_obj_name", quoted(text))}\n'
            f'colors = {colors!r}\n'
            f'{names} = [\n'
            f'    name for name in {names}\n'
            f'    if colors[name] {test} colors[{anchor}] and name != {anchor}\n'
            f']'
        )

    # ── choosing ─────────────────────────────────────────────────────────────────────────────

    def _choose(self, things: Things, names: str, nearest: Anchor | None) -> None:
        if things.by_distance:
            self._choose_by_distance(things, things.by_distance, names)
        elif things.order:
            self._choose_by_order(things, things.order, names)
        elif things.by_look:
            self._code.add(f'ret_val = get_{things.by_look}_obj_name(obj_names={names})')
        elif things.middle:
            self._code.add(
                f'sorted_names = sort_obj_names_from_left(obj_names={names})\n'
                f'ret_val = sorted_names[len(sorted_names) // 2]'
            )
        elif things.plural:
            if things.count:
                self._at_least(names, things.count, things.text)
                names = f'{names}[:{things.count}]'
            self._code.add(f'ret_val = {names}')
        elif nearest is not None:
            position = self._position(nearest)
            self._code.add(
                f'positions = [get_obj_pos(name) for name in {names}]\n'
                f'idx = get_closest_idx(points=positions, point={position})\n'
                f'ret_val = {names}[idx]'
            )
        else:
            if things.definite:
                self._code.add(
                    f'if len({names}) > 1:\n    raise ObjectNotFoundError('
                    f"f'{_plain(_with_article(things.text))} can be any of: {{{names}}}')"
                )
            self._code.add(f'ret_val = {names}[0]')

    def _choose_by_order(self, things: Things, order: Order, names: str) -> None:
        if not things.plural and order.index == 0:
            self._code.add(
                f'positions = [get_obj_pos(name) for name in {names}]\n'
                f'idx = get_{order.direction}_most_idx(points=positions)\n'
                f'ret_val = {names}[idx]'
            )
            return
        self._at_least(names, max(order.index + 1, things.count or 1), things.text)
        self._code.add(f'sorted_names = sort_obj_names_from_{order.direction}(obj_names={names})')
        self._pick(things, order.index)

    def _choose_by_distance(self, things: Things, by: ByDistance, names: str) -> None:
        which = 'farthest' if by.farthest else 'closest'
        position = self._position(by.anchor)
        if not things.plural and by.index == 0:
            self._code.add(
                f'positions = [get_obj_pos(name) for name in {names}]\n'
                f'idx = get_{which}_idx(points=positions, point={position})\n'
                f'ret_val = {names}[idx]'
            )
            return
        self._at_least(names, max(by.index + 1, things.count or 1), things.text)
        self._code.add(
            f'sorted_names = sort_obj_names_from_{which}(obj_names={names}, point={position})'
        )
        self._pick(things, by.index)

    def _pick(self, things: Things, index: int) -> None:
        if things.plural:
            self._code.add(f'ret_val = sorted_names[{index}:{index + (things.count or 1)}]')
        else:
            self._code.add(f'ret_val = sorted_names[{index}]')

    def _at_least(self, names: str, number: int, text: str) -> None:
        self._code.add(
            f'if len({names}) < {number}:\n    raise ObjectNotFoundError('
            f"f'{_plain(_with_article(text))}: there are only {{{names}}}')"
        )

    def _position(self, anchor: Anchor) -> str:
        """An expression for where something is."""
        if isinstance(anchor, Place):
            return f'get_obj_pos({anchor.name!r})'
        literal = self._literal(anchor) if isinstance(anchor, Things) else None
        if literal is not None and len(literal) == 1:
            return f'get_obj_pos({literal[0]!r})'
        name = self._code.variable('anchor_name')
        if isinstance(anchor, Pronoun):
            self._missing(anchor.text)
            return 'None'
        self._code.add(f'{name} = {self._code.ask("parse_obj_name", quoted(anchor.text))}')
        if isinstance(anchor, Group) or anchor.plural:
            return f'np.mean([get_obj_pos(n) for n in {name}], axis=0)'
        return f'get_obj_pos({name})'


def reach(relation: Relation, head: str = '') -> float:
    """How far centres are apart at most, where one thing is near, in or on another [m].

    Args:
        head: the noun of what is to be near, in or on the anchor of the relation.
    """
    if relation.kind == 'near':
        return NEAR_DISTANCE
    anchor = relation.anchor
    support = head if relation.kind == 'holds' else getattr(anchor, 'head', '')
    return ON_PLATE_DISTANCE if support in PLATES else ON_DISTANCE


def _with_article(text: str) -> str:
    return text if text.split()[:1] in (['the'], ['a'], ['an'], ['all'], ['any']) else f'the {text}'


def _plain(text: str) -> str:
    return text.replace("'", '').replace('{', '').replace('}', '').replace('\\', '')
