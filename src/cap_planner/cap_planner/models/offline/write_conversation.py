"""tabletop_ui: what goes on from earlier requests. No ROS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cap_planner.models.offline.code import Refusal, quoted
from cap_planner.models.offline.conversation import SHAPES, Conversation, spoken_of
from cap_planner.models.offline.history import History, Turn
from cap_planner.models.offline.manner import manner_of
from cap_planner.models.offline.meaning import (
    Ability,
    ChangeShape,
    Command,
    Erupt,
    Flip,
    Group,
    Imagine,
    OnEachOther,
    Pronoun,
    Put,
    Question,
    Reference,
    Repeat,
    Rotate,
    Scale,
    Shift,
    TheirNames,
    Things,
    Tower,
    Undo,
    WaitFor,
    WasMoved,
    WhatMoved,
    Why,
)
from cap_planner.models.offline.names import associated_color, lexical_matches, split_name
from cap_planner.models.offline.references import Variable
from cap_planner.models.offline.words import tokenize
from cap_planner.models.offline.write_ui import UiWriter

ABILITIES = 'I can only pick things up, put them down, and tell what I see.'
_VECTOR = {'left': (-1, 0), 'right': (1, 0), 'top': (0, 1), 'bottom': (0, -1)}


def understood(query: str, names: Sequence[str]) -> list[Command]:
    """The commands of an earlier request; empty if they are not understood."""
    return Conversation(tokenize(query), names).instruction() or []


def aliases_of(history: History, names: Sequence[str]) -> list[Variable]:
    """The variables of the nouns that earlier requests gave to things."""
    variables: dict[str, Variable] = {}
    for turn in history.turns:
        if not {'imagine', 'pretend', 'suppose', 'assume', 'let'} & set(turn.query.lower().split()):
            continue
        for command in understood(turn.query, names):
            if isinstance(command, Imagine):
                for noun in command.nouns:
                    variables[noun] = _alias(command, noun)
    return list(variables.values())


def _alias(command: Imagine, noun: str) -> Variable:
    plural = command.parts
    return Variable(f'{noun}_name{"s" * plural}', plural, noun)


class ConversationWriter(UiWriter):
    """Writes one program.

    Args:
        names: of the scene.

    Attributes:
        nouns: these names, and what stands for some of them since an earlier request.
    """

    def __init__(self, history: History, names: Sequence[str]) -> None:
        super().__init__(history, aliases_of(history, names), _subject(history, names))
        self._names = list(names)
        self.nouns = [*names, *self._aliases]

    def command(self, command: Command) -> None:
        """Append what one command asks for."""
        match command:
            case Undo():
                self._undo()
            case Repeat():
                self._repeat(command)
            case Imagine():
                self._imagine(command)
            case Tower():
                self._tower(command)
            case Erupt():
                self._erupt(command)
            case WaitFor():
                self._wait_for(command)
            case ChangeShape():
                self._change(command)
            case _:
                self._answer_or_put(command)

    def _answer_or_put(self, command: Command) -> None:
        match command:
            case Why():
                self._why(command)
            case WhatMoved():
                self._what_moved(command)
            case WasMoved():
                self._was_moved(command)
            case TheirNames():
                self._their_names()
            case Ability():
                self._say('Yes.' if command.can else f'No. {ABILITIES}')
            case _:
                super().command(command)

    def _say(self, text: str) -> None:
        self._code.add(f'say({quoted(text)})')

    # ── what was done ────────────────────────────────────────────────────────────────────────

    def _undo(self) -> None:
        """The last move first: every state on the way back has been there before."""
        turn = self._history.last_moved
        if turn is None:
            raise Refusal('There is nothing to undo: nothing was moved before.')
        for move in reversed(turn.moves):
            x, y = move.start
            self._code.add(f'put_first_on_second({move.name!r}, [{x:g}, {y:g}])')

    def _repeat(self, command: Repeat) -> None:
        turn = self._last_command()
        if self.manner is None:
            self.manner = manner_of(turn.query)
        if command.things is None:
            for earlier in understood(turn.query, self.nouns):
                super().command(earlier)
            return
        match understood(turn.query, self.nouns):
            case [Put(target=target)]:
                super().command(Put(command.things, target))
            case _:
                raise Refusal(f'I cannot do "{turn.query}" with other things.')

    def _last_command(self) -> Turn:
        """The latest request that moved something, and says what."""
        for turn in reversed(self._history.turns):
            commands = understood(turn.query, self.nouns)
            if turn.moves and commands and not isinstance(commands[0], Repeat):
                if isinstance(commands[0], Undo):
                    break
                return turn
        raise Refusal('I do not know what to do again.')

    def _why(self, command: Why) -> None:
        names = self._literal_names(command.things) if command.things else None
        for turn in reversed(self._history.turns):
            if turn.moves and (names is None or set(names) & set(turn.moved)):
                self._say(f'Because you asked me: "{turn.query}"')
                return
        what = 'anything' if command.things is None else command.things.text
        self._say(f'I have not moved {what}.')

    def _literal_names(self, things: Reference) -> list[str]:
        """The names that a noun phrase means, where names tell; a pronoun: what was moved last."""
        if isinstance(things, Pronoun):
            turn = self._history.last_moved
            return turn.moved if turn else []
        members = things.members if isinstance(things, Group) else (things,)
        found = []
        for member in members:
            if not isinstance(member, Things) or not member.lexical:
                raise Refusal(f'I do not remember which one was "{things.text}"; name it.')
            found += lexical_matches(member, self._names)
        if not found:
            raise Refusal(f'I see no object that is "{things.text}".')
        return found

    def _what_moved(self, command: WhatMoved) -> None:
        turn = self._history.last_moved
        moved = turn.moved if turn else []
        fitting = [name for name in moved if command.head in ('', split_name(name)[1])]
        if command.count:
            self._say(f'{len(fitting)}')
        elif fitting:
            self._say(f'I moved {" and ".join(f"the {name}" for name in fitting)}.')
        else:
            self._say(f'I have moved no {command.head or "object"}.')

    def _was_moved(self, command: WasMoved) -> None:
        names = self._literal_names(command.things)
        moved = {name for turn in self._history.turns for name in turn.moved}
        self._say('Yes.' if set(names) <= moved else 'No.')

    def _their_names(self) -> None:
        if self._subject is None:
            variable = self._pronoun(Pronoun('them', plural=True))
        else:
            variable = self._refer(self._subject)
        names = variable.name if variable.plural else f'[{variable.name}]'
        self._code.add(f"say(', '.join({names}))")

    # ── imagination ──────────────────────────────────────────────────────────────────────────

    def _imagine(self, command: Imagine) -> None:
        if command.parts:
            names = _alias(command, command.nouns[0]).name
            self._code.add(
                f'{names} = {self._code.ask("parse_obj_name", self._describe(command.things))}\n'
                f"say('The parts of the {command.nouns[0]} are: ' + ', '.join({names}) + '.')"
            )
            return
        names_of = self._literal_names(command.things)
        if len(names_of) != len(command.nouns):
            raise Refusal(
                f'I see {len(names_of)} of "{command.things.text}": {", ".join(names_of)}; '
                f'they cannot be {len(command.nouns)} things.'
            )
        stands_for = _by_association(command.nouns, names_of)
        for noun in command.nouns:
            self._code.add(f'{_alias(command, noun).name} = {stands_for[noun]!r}')
        told = ', '.join(f'the {stands_for[noun]} is the {noun}' for noun in command.nouns)
        self._say(f'{told[0].upper()}{told[1:]}.')

    def _tower(self, command: Tower) -> None:
        parts = [alias for alias in self._aliases.values() if alias.plural]
        if not parts:
            raise Refusal('I do not know what to build the tower of.')
        things = Things(f'the {parts[-1].head}', parts[-1].head, plural=True, name=parts[-1].head)
        super().command(Put(things, OnEachOther(command.target)))

    def _erupt(self, command: Erupt) -> None:
        """What was moved last lies on top, and can be taken."""
        turn = self._history.last_moved
        if turn is None:
            raise Refusal('I have nothing that could come out: nothing was moved before.')
        first, second = self._refer(command.first), self._refer(command.second)
        if first.plural or second.plural:
            raise Refusal('I can show that with one thing and another.')
        lava = self._literal([turn.moves[-1].name], plural=False)
        self._code.add(
            f"say(f'The {{{lava.name}}} comes out of the {first.head}, and falls into the "
            f"{second.head}.')\n"
            f'put_first_on_second({lava.name}, {first.name})\n'
            f'put_first_on_second({lava.name}, {second.name})'
        )
        self._has_moved(lava)

    # ── waiting ──────────────────────────────────────────────────────────────────────────────

    def _wait_for(self, command: WaitFor) -> None:
        variable = Variable(self._code.variable(f'{command.name}_name'), False, command.name)
        self._code.add(
            f'{variable.name} = {command.name!r}\n'
            f'while not is_obj_visible({variable.name}):\n'
            f'    pass\n'
            f"say(f'I see the {{{variable.name}}}.')"
        )
        self._mentioned.append(variable)

    # ── shapes that objects form ─────────────────────────────────────────────────────────────

    def _change(self, command: ChangeShape) -> None:
        names = self._shape(command.noun)
        positions = self._code.variable('old_positions')
        changed = self._code.variable('new_positions')
        self._code.add(f'{positions} = [get_obj_pos(name) for name in {names}]')
        match command.change:
            case Scale(factor):
                call = f'scale_positions_around_center(positions={positions}, factor={factor:.4g})'
            case Rotate(angle):
                call = f'rotate_positions_around_center(positions={positions}, angle_deg={angle:g})'
            case Flip(horizontally):
                way = 'horizontally' if horizontally else 'vertically'
                call = f'flip_positions_{way}(positions={positions})'
            case Shift(direction, distance):
                x, y = (distance * part for part in _VECTOR[direction])
                call = f'[pos + np.array([{x:g}, {y:g}]) for pos in {positions}]'
        self._code.add(f'{changed} = {call}')
        self._move_all(names, changed)

    def _shape(self, noun: str) -> str:
        """The variable of an earlier program that has the names of who forms the shape."""
        assigned = [
            name
            for name in self._history.assigned()
            if name.removesuffix('_names') in SHAPES and name.endswith('_names')
        ]
        fitting = [name for name in assigned if noun in ('', name.removesuffix('_names'))]
        if not fitting:
            there = f'; there is a {assigned[-1].removesuffix("_names")}' if assigned else ''
            raise Refusal(f'I do not know which objects form the {noun or "shape"}{there}.')
        return fitting[-1]


def _by_association(nouns: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Which thing stands for what: by colors that one thinks of, and the others in order."""
    found: dict[str, str] = {}
    left = list(names)
    for noun in nouns:
        name = associated_color(noun, left)
        if name:
            found[noun] = name
            left.remove(name)
    return found | {noun: left.pop(0) for noun in nouns if noun not in found}


def _subject(history: History, names: Sequence[str]) -> Reference | None:
    """What the last request asked about, if it asked and moved nothing."""
    for turn in reversed(history.turns):
        commands = understood(turn.query, names)
        if turn.moves or len(commands) != 1:
            return None
        if isinstance(commands[0], TheirNames):
            continue
        things = spoken_of(commands[0])
        if not isinstance(commands[0], Question) or things is None or not things.definite:
            return None
        text = things.text if things.text.startswith('the ') else f'the {things.text}'
        return replace(things, text=text)
    return None
