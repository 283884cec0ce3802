"""tabletop_ui: from the meaning of an instruction to a program. No ROS."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cap_planner.models.offline.code import CONTEXT, Code, Refusal, formatted, quoted
from cap_planner.models.offline.meaning import (
    AtPosition,
    Beside,
    ByColor,
    Command,
    EachOwn,
    Group,
    InLine,
    NearTo,
    On,
    OnEachOther,
    PointTo,
    Pronoun,
    Put,
    Question,
    Reference,
    Say,
    Shift,
    Swap,
    Target,
    Things,
    Towards,
)

_TO = {'left': 'to the left of', 'right': 'to the right of', 'top': 'above', 'bottom': 'below'}


@dataclass(frozen=True)
class _Variable:
    """A variable that holds the name, or names, of objects."""

    name: str
    plural: bool
    head: str = ''


class UiWriter:
    """Writes one program.

    Args:
        earlier: the programs of the session, oldest first.
    """

    def __init__(self, earlier: Sequence[str] = ()) -> None:
        self._code = Code()
        self._moved = _moved_variables(earlier)
        self._known: dict[str, _Variable] = {}
        self._mentioned: list[_Variable] = []

    def write(self, commands: Sequence[Command]) -> str:
        """The program for a chain of commands."""
        for command in commands:
            match command:
                case Put():
                    self._put(command.things, command.target)
                case Swap():
                    self._swap(command)
                case PointTo():
                    self._point(command)
                case Say():
                    self._code.add(f'say({quoted(command.text)})')
                case Question():
                    self._question(command)
        return str(self._code)

    # ── objects ──────────────────────────────────────────────────────────────────────────────

    def _refer(self, things: Reference) -> _Variable:
        """The variable for what a noun phrase means; asks for it where that is needed."""
        if isinstance(things, Pronoun):
            return self._pronoun(things)
        if isinstance(things, Things) and things.name and things.text in self._known:
            return self._known[things.text]
        plural = isinstance(things, Group) or things.plural
        head = things.head if isinstance(things, Things) else ''
        description = self._describe(things)
        name = self._code.variable(_variable_words(things))
        self._code.add(f'{name} = {self._code.ask("parse_obj_name", description)}')
        variable = _Variable(name, plural, head)
        self._known[things.text] = variable
        self._mentioned.append(variable)
        return variable

    def _pronoun(self, pronoun: Pronoun) -> _Variable:
        for variable in reversed([*self._moved, *self._mentioned]):
            if variable.plural == pronoun.plural:
                return variable
        raise Refusal(f'I do not know what "{pronoun.text}" is: nothing was moved before.')

    def _describe(self, things: Reference) -> str:
        """The description as a Python expression; pronouns become what they stand for."""
        text = things.text
        if isinstance(things, Things) and things.other:
            return self._describe_others(things)
        return self._spoken(text)

    def _spoken(self, text: str) -> str:
        values = {}
        for word, plural in (('it', False), ('them', True)):
            if word in text.split():
                variable = self._pronoun(Pronoun(word, plural))
                joined = f'" and the ".join({variable.name})'
                values[word] = joined if plural else variable.name
                text = ' '.join(f'the {w}' if w == word else w for w in text.split())
        return formatted(text, values)

    def _describe_others(self, things: Things) -> str:
        words = [w for w in things.text.split() if w not in ('other', 'another', 'remaining')]
        text = ' '.join(words).replace('rest of the', '').replace('  ', ' ')
        if words[:1] != ['the']:
            text = f'the {text}'
        spoken_of = [
            variable
            for variable in (*self._moved, *self._mentioned)
            if variable.head in ('', things.head) or not things.head
        ]
        if not spoken_of:
            raise Refusal(f'I do not know which "{things.text}" are: none were spoken of before.')
        values = {}
        parts = []
        for index, variable in enumerate(dict.fromkeys(spoken_of)):
            word = f'<{index}>'
            joined = f'" and the ".join({variable.name})'
            values[word] = joined if variable.plural else variable.name
            parts.append(f'the {word}')
        return formatted(f'{text} other than {" and ".join(parts)}', values)

    def _has_moved(self, variable: _Variable) -> None:
        """What only positions tell has to be asked again from here on."""
        self._moved.append(variable)
        if variable not in self._mentioned:
            self._mentioned.append(variable)

    # ── putting ──────────────────────────────────────────────────────────────────────────────

    def _put(self, things: Reference, target: Target) -> None:
        match target:
            case On():
                self._put_on(self._refer(things), target.things)
            case AtPosition():
                self._put_at(self._refer(things), target)
            case ByColor():
                self._put_by_color(self._refer(things), target)
            case EachOwn():
                self._put_each(self._refer(things), target)
            case Shift() | Towards():
                self._shift(self._refer(things), target)
            case InLine():
                self._line_up(self._refer(things), target)
            case OnEachOther():
                self._stack(self._refer(things), target)

    def _each(self, things: _Variable) -> Iterator[str]:
        """Code for one object after the other: use as `for name in self._each(...)`."""
        if not things.plural:
            yield things.name
            return
        name = self._code.variable(things.name.removesuffix('names') + 'name')
        self._code.add(f'for {name} in {things.name}:')
        self._code.indent()
        yield name
        self._code.indent(-1)
        # The loop's variable is what was moved last, when nothing else is meant by 'it'.
        self._has_moved(_Variable(name, False, things.head))

    def _put_on(self, things: _Variable, on: Reference) -> None:
        if things.plural and 'it' in on.text.split():
            for name in self._each(things):
                self._mentioned.append(_Variable(name, False, things.head))
                self._code.add(f'put_first_on_second({name}, {self._refer(on).name})')
            self._has_moved(things)
            return
        target = self._refer(on)
        if target.plural and not things.plural:
            raise Refusal('One object cannot be put on several; say which one.')
        if target.plural:
            index = self._code.variable('index')
            name = self._code.variable(things.name.removesuffix('names') + 'name')
            self._code.add(
                f'for {index}, {name} in enumerate({things.name}):\n'
                f'    put_first_on_second({name}, {target.name}[{index} % len({target.name})])'
            )
        else:
            for name in self._each(things):
                if things.plural:
                    self._code.add(f'if {name} != {target.name}:')
                    self._code.add(f'    put_first_on_second({name}, {target.name})')
                else:
                    self._code.add(f'put_first_on_second({name}, {target.name})')
        self._has_moved(things)

    def _put_at(self, things: _Variable, target: AtPosition) -> None:
        description = self._spoken(target.text)
        if things.plural and not isinstance(target.position, NearTo | Beside):
            position = self._code.variable('target_pos')
            self._code.add(f'{position} = parse_position({description})')
            self._code.add(f'put_objects_at_pos(obj_names={things.name}, pos={position})')
        else:
            for name in self._each(things):
                position = self._code.variable('target_pos')
                self._code.add(f'{position} = parse_position({description})')
                self._code.add(f'put_first_on_second({name}, {position})')
        self._has_moved(things)

    def _put_by_color(self, things: _Variable, target: ByColor) -> None:
        holder = self._code.variable(f'{target.head}_name')
        used = self._code.variable(f'used_{target.head}_names')
        if not target.same:
            self._code.add(f'{used} = []')
        for name in self._each(things):
            color = 'the same color as' if target.same else 'a different color than'
            words = f'the {target.head}' if target.same else f'all {target.head}s'
            description = formatted(f'{words} with {color} the <name>', {'<name>': name})
            if not target.same:
                names = f'{holder}s'
                self._code.add(
                    f'{names} = {self._code.ask("parse_obj_name", description)}\n'
                    f'{holder} = ([n for n in {names} if n not in {used}] or {names})[0]\n'
                    f'{used}.append({holder})'
                )
            elif things.plural:
                missing = f'There is no {target.head} for the <name>.'
                self._code.add(
                    f'try:\n    {holder} = {self._code.ask("parse_obj_name", description)}\n'
                    f'except ObjectNotFoundError:\n'
                    f'    say({formatted(missing, {"<name>.": name}).replace("}", "}.")})\n'
                    f'    continue'
                )
            else:
                self._code.add(f'{holder} = {self._code.ask("parse_obj_name", description)}')
            self._code.add(f'put_first_on_second({name}, {holder})')
        self._has_moved(things)

    def _put_each(self, things: _Variable, target: EachOwn) -> None:
        if target.kind in ('corner', 'side'):
            positions = self._code.variable(f'{target.kind}_positions')
            self._code.add(f'{positions} = get_{target.kind}_positions()')
            self._code.add(
                f'put_objects_at_different_positions('
                f'obj_names={things.name}, positions={positions})'
            )
        else:
            holders = self._code.variable(f'{target.kind}_names')
            holder = self._code.variable(f'{target.kind}_name')
            name = self._code.variable(things.name.removesuffix('names') + 'name')
            description = quoted(f'all {target.kind}s')
            self._code.add(
                f'{holders} = {self._code.ask("parse_obj_name", description)}\n'
                f'if len({holders}) < len({things.name}):\n'
                f'    raise ObjectNotFoundError(\n'
                f"        f'{{len({things.name})}} objects need as many of {{{holders}}}'\n"
                f'    )\n'
                f'for {name}, {holder} in zip({things.name}, {holders}):\n'
                f'    put_first_on_second({name}, {holder})'
            )
        self._has_moved(things)

    def _shift(self, things: _Variable, target: Shift | Towards) -> None:
        by = f'{target.distance * 100:g} cm'
        for name in self._each(things):
            if isinstance(target, Shift):
                text = f'the point {by} {_TO[target.direction]} the <name>'
            else:
                goal = target.anchor.name if not hasattr(target.anchor, 'text') else ''
                goal = f'the {goal}' if goal else target.anchor.text  # type: ignore[union-attr]
                if goal in ('it', 'them'):
                    raise Refusal(f'I do not know what "{goal}" is here; name it.')
                text = f'the point {by} from the <name> towards {goal}'
            position = self._code.variable('target_pos')
            self._code.add(f'{position} = parse_position({formatted(text, {"<name>": name})})')
            self._code.add(f'put_first_on_second({name}, {position})')
        self._has_moved(things)

    def _line_up(self, things: _Variable, target: InLine) -> None:
        if not things.plural:
            raise Refusal('A line needs several objects.')
        positions = self._code.variable('line_positions')
        position = self._code.variable('line_pos')
        name = self._code.variable(things.name.removesuffix('names') + 'name')
        text = f'{target.shape} with <number> points{target.where}'
        description = self._spoken(text.replace('<number>', '#'))
        number = f'{{len({things.name})}}'
        description = 'f' * (not description.startswith('f')) + description.replace('#', number)
        self._code.add(
            f'{positions} = parse_position({description})\n'
            f'for {name}, {position} in zip({things.name}, {positions}):\n'
            f'    put_first_on_second({name}, {position})'
        )
        self._has_moved(things)

    def _stack(self, things: _Variable, target: OnEachOther) -> None:
        if target.target is None:
            self._code.add(f'stack_objects_in_order(object_names={things.name})')
        elif isinstance(target.target, On):
            base = self._refer(target.target.things)
            if base.plural:
                raise Refusal('One stack cannot stand on several objects; say which one.')
            name = self._code.variable('name')
            self._code.add(
                f'{things.name} = [{name} for {name} in {things.name} if {name} != {base.name}]\n'
                f'stack_objects_in_order(object_names=[{base.name}, *{things.name}])'
            )
        else:
            self._put_at(things, target.target)
            return
        self._has_moved(things)

    # ── the rest ─────────────────────────────────────────────────────────────────────────────

    def _swap(self, command: Swap) -> None:
        first, second = self._refer(command.first), self._refer(command.second)
        if first.plural or second.plural:
            raise Refusal('Only two objects can be swapped.')
        self._code.add(
            f"free_pos = parse_position('a free spot near the middle')\n"
            f'swap_objects(first_name={first.name}, second_name={second.name}, free_pos=free_pos)'
        )
        self._has_moved(first)
        self._has_moved(second)

    def _point(self, command: PointTo) -> None:
        if isinstance(command.target, On):
            target = self._refer(command.target.things)
            if target.plural:
                raise Refusal('The gripper can point to one object at a time.')
            self._code.add(f'point_gripper_to({target.name})')
        else:
            description = self._spoken(command.target.text)
            self._code.add(f'point_gripper_to(parse_position({description}))')

    def _question(self, question: Question) -> None:
        asked = self._spoken(question.text)
        call = f'parse_question({asked[:-1]}?{asked[-1]}, {CONTEXT})'
        answer = self._code.variable('answer')
        self._code.add(f'{answer} = {call}')
        if question.answer == 'yes or no':
            self._code.add(f"say('Yes.' if {answer} else 'No.')")
        elif question.answer == 'names':
            self._code.add(f"say(', '.join({answer}) or 'None.')")
        else:
            self._code.add(f"say(f'{{{answer}}}')")


def _variable_words(things: Reference) -> str:
    if isinstance(things, Group):
        heads = {member.head for member in things.members if isinstance(member, Things)}
        return f'{heads.pop() or "object"}_names' if len(heads) == 1 else 'object_names'
    if isinstance(things, Pronoun):
        return 'object_name'
    words = [*things.adjectives, things.head or 'object']
    if things.plural:
        return '_'.join([*words, 'names'])
    return '_'.join([*words, 'name'])


def _moved_variables(programs: Sequence[str]) -> list[_Variable]:
    """The variables of earlier programs whose objects were moved, oldest first."""
    found: list[_Variable] = []
    for program in programs:
        try:
            tree = ast.parse(program)
        except (SyntaxError, ValueError):
            continue
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.For)]
        # A loop stands before the calls in it, and what it loops over was moved last of all.
        for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
            for argument in _objects_of(node):
                words = argument.split('_')
                if words[-1] in ('name', 'names') and len(words) > 1:
                    found.append(_Variable(argument, words[-1] == 'names', words[-2]))
    return found


def _objects_of(node: ast.AST) -> Iterator[str]:
    """The variables that a loop goes over, or that a call moves."""
    values: list[ast.expr] = []
    if isinstance(node, ast.For):
        over = node.iter
        values = [*over.args[:1]] if isinstance(over, ast.Call) else [over]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        moves = node.func.id.startswith(('put_', 'stack_', 'swap_'))
        values = [*node.args[:1], *(item.value for item in node.keywords)] if moves else []
    for value in values:
        if isinstance(value, ast.Name):
            yield value.id
