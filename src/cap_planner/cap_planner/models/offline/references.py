"""From noun phrases and pronouns to variables of a program. No ROS."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from cap_planner.models.offline.code import CONTEXT, Code, Refusal, formatted, quoted
from cap_planner.models.offline.history import History
from cap_planner.models.offline.meaning import Group, Pronoun, Question, Reference, Things


@dataclass(frozen=True)
class Variable:
    """A variable that holds the name, or names, of objects."""

    name: str
    plural: bool
    head: str = ''


class References:
    """What the noun phrases of one program mean.

    Args:
        history: of the conversation.
        aliases: variables of nouns that stand for something since an earlier request.
        subject: what the last question was about.
    """

    def __init__(
        self,
        history: History,
        aliases: Collection[Variable] = (),
        subject: Reference | None = None,
    ) -> None:
        self._code = Code()
        self._history = history
        self._aliases = {variable.head: variable for variable in aliases}
        self._subject = subject
        self._moved = _moved_variables(history.programs)
        self._known: dict[str, Variable] = {}
        self._mentioned: list[Variable] = []

    def _refer(self, things: Reference) -> Variable:
        """The variable for what a noun phrase means; asks for it where that is needed."""
        if isinstance(things, Pronoun):
            return self._pronoun(things)
        if isinstance(things, Things) and (alias := self._aliases.get(things.name or '')):
            return alias
        if isinstance(things, Things) and things.name and things.text in self._known:
            return self._known[things.text]
        plural = isinstance(things, Group) or things.plural
        head = things.head if isinstance(things, Things) else ''
        description = self._describe(things)
        name = self._code.variable(_variable_words(things))
        self._code.add(f'{name} = {self._code.ask("parse_obj_name", description)}')
        variable = Variable(name, plural, head)
        self._known[things.text] = variable
        self._mentioned.append(variable)
        return variable

    def _pronoun(self, pronoun: Pronoun) -> Variable:
        for variable in reversed(self._mentioned):
            if variable.plural == pronoun.plural:
                return variable
        if isinstance(self._subject, Things) and self._subject.plural == pronoun.plural:
            return self._refer(self._subject)
        if names := self._names_moved_last(pronoun.plural):
            return self._literal(names, pronoun.plural)
        for variable in reversed(self._moved):
            if variable.plural == pronoun.plural:
                return variable
        raise Refusal(f'I do not know what "{pronoun.text}" is: nothing was moved before.')

    def _names_moved_last(self, plural: bool) -> list[str]:
        """What the robot did is surer than what a program set out to do."""
        turn = self._history.last_moved
        if turn is None or (plural and len(turn.moved) < 2):
            return []
        return turn.moved if plural else [turn.moves[-1].name]

    def _literal(self, names: Sequence[str], plural: bool) -> Variable:
        """A variable for names that the model knows."""
        head = names[0].split()[-1]
        heads = {name.split()[-1] for name in names}
        words = f'{head if len(heads) == 1 else "object"}_names' if plural else f'{names[0]}_name'
        name = self._code.variable(words)
        self._code.add(f'{name} = {list(names) if plural else names[0]!r}')
        variable = Variable(name, plural, head)
        self._mentioned.append(variable)
        return variable

    def _describe(self, things: Reference) -> str:
        """The description as a Python expression; pronouns become what they stand for."""
        text = things.text
        if isinstance(things, Things) and things.other:
            return self._describe_others(things)
        return self._spoken(text)

    def _spoken(self, text: str) -> str:
        values = {word: alias.name for word, alias in self._aliases.items() if not alias.plural}
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
        spoken_of = self._of_kind(self._mentioned, things.head)
        last = self._history.last_moved
        if last and not spoken_of:
            others = ' and '.join(f'the {name}' for name in last.moved)
            return quoted(f'{text} other than {others}')
        spoken_of = spoken_of or self._of_kind(self._moved, things.head)
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

    @staticmethod
    def _of_kind(variables: Sequence[Variable], head: str) -> list[Variable]:
        return [v for v in variables if v.head in ('', head) or not head]

    def _has_moved(self, variable: Variable) -> None:
        """What only positions tell has to be asked again from here on."""
        self._moved.append(variable)
        self._mentioned = [other for other in self._mentioned if other != variable]
        self._mentioned.append(variable)


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


def _moved_variables(programs: Sequence[str]) -> list[Variable]:
    """The variables of earlier programs whose objects were moved, oldest first."""
    found: list[Variable] = []
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
                    found.append(Variable(argument, words[-1] == 'names', words[-2]))
    return found


def _objects_of(node: ast.AST) -> Iterator[str]:
    """The variables that a loop goes over, or that a call moves."""
    values: list[ast.expr] = []
    if isinstance(node, ast.For):
        over = node.iter
        values = [*over.args[:1]] if isinstance(over, ast.Call) else [over]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        moves = node.func.id.startswith(('put_', 'stack_', 'swap_', 'move_'))
        values = [*node.args[:1], *(item.value for item in node.keywords)] if moves else []
    for value in values:
        items = value.elts if isinstance(value, ast.List) else [value]
        yield from (item.id for item in items if isinstance(item, ast.Name))
