"""tabletop_ui: from the meaning of an instruction to a program. No ROS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cap_planner.models.offline.code import Refusal, formatted, quoted
from cap_planner.models.offline.manner import ACTIONS, with_manner
from cap_planner.models.offline.meaning import (
    AtPosition,
    Beside,
    Between,
    ByColor,
    Command,
    EachOwn,
    FromTowards,
    InLine,
    NearTo,
    On,
    OnEachOther,
    PickUp,
    PointTo,
    Put,
    Question,
    Reference,
    Say,
    Shift,
    Swap,
    Target,
    Towards,
)
from cap_planner.models.offline.references import References, Variable

# What moves things, and what is written to do so with several.
_MOVING = (
    *ACTIONS,
    'move_objects_to_positions',
    'put_objects_at_pos',
    'put_objects_at_different_positions',
    'stack_objects_in_order',
    'swap_objects',
)
_TO = {'left': 'to the left of', 'right': 'to the right of', 'top': 'above', 'bottom': 'below'}


class UiWriter(References):
    """Writes one program.

    Attributes:
        manner: see `manner.manner_of`.
    """

    manner: dict[str, float] | None = None

    def write(self, commands: Sequence[Command]) -> str:
        """The program for a chain of commands."""
        for command in commands:
            self.command(command)
        return with_manner(str(self._code), self.manner or {}, _MOVING)

    def command(self, command: Command) -> None:
        """Append what one command asks for."""
        match command:
            case Put():
                self._put(command.things, command.target)
            case PickUp():
                self._pick_up(command)
            case Swap():
                self._swap(command)
            case PointTo():
                self._point(command)
            case Say():
                self._code.add(f'say({quoted(command.text)})')
            case Question():
                self._question(command)
            case _:
                raise Refusal('I cannot do that here.')

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

    def _each(self, things: Variable) -> Iterator[str]:
        """Code for one object after the other: use as `for name in self._each(...)`."""
        if not things.plural:
            yield things.name
            return
        name = self._loop_name(things)
        self._code.add(f'for {name} in {things.name}:')
        self._code.indent()
        yield name
        self._code.indent(-1)
        # The loop's variable is what was moved last, when nothing else is meant by 'it'.
        self._has_moved(Variable(name, False, things.head))

    def _loop_name(self, things: Variable) -> str:
        return self._code.variable(things.name.removesuffix('s').removesuffix('_name') + '_name')

    def _put_on(self, things: Variable, on: Reference) -> None:
        if things.plural and 'it' in on.text.split():
            for name in self._each(things):
                self._mentioned.append(Variable(name, False, things.head))
                self._code.add(f'put_first_on_second({name}, {self._refer(on).name})')
            self._has_moved(things)
            return
        target = self._refer(on)
        if target.plural and not things.plural:
            raise Refusal('One object cannot be put on several; say which one.')
        if target.plural:
            index = self._code.variable('index')
            name = self._loop_name(things)
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

    def _put_at(self, things: Variable, target: AtPosition) -> None:
        description = self._spoken(target.text)
        if things.plural and not isinstance(target.position, NearTo | Beside):
            position = self._code.variable('target_pos')
            self._code.add(f'{position} = parse_position({description})')
            self._code.add(f'put_objects_at_pos(obj_names={things.name}, pos={position})')
        else:
            for name in self._each(things):
                position = self._code.variable('target_pos')
                self._code.add(f'{position} = parse_position({description})')
                self._put_to(name, position, exact=_is_exact(target))
        self._has_moved(things)

    def _put_to(self, name: str, position: str, *, exact: bool) -> None:
        """Put one object at a position; an exact one may be taken, and nobody has looked."""
        if exact:
            self._move_all(f'[{name}]', f'[{position}]')
        else:
            self._code.add(f'put_first_on_second({name}, {position})')

    def _move_all(self, names: str, positions: str) -> None:
        self._code.add(f'move_objects_to_positions(obj_names={names}, positions={positions})')

    def _put_by_color(self, things: Variable, target: ByColor) -> None:
        holder = self._code.variable(f'{target.head}_name')
        if not target.same:
            self._put_by_other_color(things, target.head, holder)
            return
        for name in self._each(things):
            text = f'the {target.head} with the same color as the <name>'
            call = self._code.ask('parse_obj_name', formatted(text, {'<name>': name}))
            if things.plural:
                missing = f'There is no {target.head} for the <name>.'
                self._code.add(
                    f'try:\n    {holder} = {call}\n'
                    f'except ObjectNotFoundError:\n'
                    f'    say({formatted(missing, {"<name>.": name}).replace("}", "}.")})\n'
                    f'    continue'
                )
            else:
                self._code.add(f'{holder} = {call}')
            self._code.add(f'put_first_on_second({name}, {holder})')
        self._has_moved(things)

    def _put_by_other_color(self, things: Variable, head: str, holder: str) -> None:
        """Each in one of its own, as far as there are enough."""
        names = things.name if things.plural else f'[{things.name}]'
        name, options = self._loop_name(things), self._code.variable(f'{head}_options')
        text = formatted(f'all {head}s with a different color than the <name>', {'<name>': name})
        self._code.add(
            f'{options} = [\n'
            f'    {self._code.ask("parse_obj_name", text)}\n'
            f'    for {name} in {names}\n'
            f']\n'
            f'for {name}, {holder} in zip(\n'
            f'    {names}, choose_different_names(options={options})\n'
            f'):\n'
            f'    put_first_on_second({name}, {holder})'
        )
        self._has_moved(things)

    def _put_each(self, things: Variable, target: EachOwn) -> None:
        if target.kind in ('corner', 'side'):
            positions = self._code.variable(f'{target.kind}_positions')
            every = f'get_{target.kind}_positions()'
            if target.start:
                way = 'clockwise' if target.clockwise else 'counterclockwise'
                self._code.add(
                    f'{positions} = sort_positions_{way}(\n'
                    f'    positions={every}, start_pos=get_obj_pos({target.start.name!r})\n'
                    f')'
                )
                self._move_all(things.name, positions)
                self._has_moved(things)
                return
            self._code.add(f'{positions} = {every}')
            self._code.add(
                f'put_objects_at_different_positions('
                f'obj_names={things.name}, positions={positions})'
            )
        else:
            holders = self._code.variable(f'{target.kind}_names')
            holder = self._code.variable(f'{target.kind}_name')
            name = self._loop_name(things)
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

    def _shift(self, things: Variable, target: Shift | Towards) -> None:
        by = f'{target.distance * 100:g} cm'
        name = self._loop_name(things) if things.plural else things.name
        if isinstance(target, Shift):
            text = f'the point {by} {_TO[target.direction]} the <name>'
        else:
            goal = target.anchor.name if not hasattr(target.anchor, 'text') else ''
            goal = f'the {goal}' if goal else target.anchor.text  # type: ignore[union-attr]
            if goal in ('it', 'them'):
                raise Refusal(f'I do not know what "{goal}" is here; name it.')
            text = f'the point {by} from the <name> towards {goal}'
        call = f'parse_position({formatted(text, {"<name>": name})})'
        if things.plural:
            positions = self._code.variable('target_positions')
            self._code.add(f'{positions} = [{call} for {name} in {things.name}]')
            self._move_all(things.name, positions)
        else:
            position = self._code.variable('target_pos')
            self._code.add(f'{position} = {call}')
            self._put_to(name, position, exact=True)
        self._has_moved(things)

    def _line_up(self, things: Variable, target: InLine) -> None:
        if not things.plural:
            raise Refusal('A line needs several objects.')
        kind = target.shape.split()[1]
        kind = 'line' if kind in ('horizontal', 'vertical', 'diagonal') else kind
        positions = self._code.variable(f'{kind}_positions')
        text = f'{target.shape} with <number> points{target.where}'
        description = self._spoken(text.replace('<number>', '#'))
        number = f'{{len({things.name})}}'
        description = 'f' * (not description.startswith('f')) + description.replace('#', number)
        self._code.add(f'{positions} = parse_position({description})')
        self._move_all(things.name, positions)
        # For later requests: who forms the square.
        self._code.add(f'{kind}_names = {things.name}')
        self._has_moved(things)

    def _stack(self, things: Variable, target: OnEachOther) -> None:
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

    def _pick_up(self, command: PickUp) -> None:
        things = self._refer(command.things)
        if things.plural:
            raise Refusal('The gripper can hold one object at a time.')
        self._code.add(f'pick_up({things.name})')
        self._has_moved(things)

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


def _is_exact(target: AtPosition) -> bool:
    """Whether the place is said so that there is no other: parse_position looks for no free one."""
    position = target.position
    if isinstance(position, Beside):
        return isinstance(position.distance, float)
    return isinstance(position, Between | FromTowards)
