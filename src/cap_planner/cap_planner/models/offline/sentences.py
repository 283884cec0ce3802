"""Commands, chains of commands, and whole instructions. No ROS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cap_planner.models.offline.meaning import (
    AtPosition,
    ByColor,
    Command,
    EachOwn,
    InLine,
    NearTo,
    On,
    OnEachOther,
    PickUp,
    PointTo,
    Pronoun,
    Put,
    Reference,
    Say,
    Swap,
    Target,
    Things,
)
from cap_planner.models.offline.parser import Readings, rule
from cap_planner.models.offline.questions import Questions, is_plural

_MOVE = 'move|shift|push|slide|nudge|drag|shove|pull|bring|scoot|displace'
_PUT = (
    f'put|place|set|lay|drop|position|transfer|stick|stow|take|get|relocate|carry|leave|rest|dump|'
    f'throw|toss|sort|gather|collect|deposit|insert|load|distribute|spread|stack up|store|{_MOVE}'
)
_PICK = 'pick up|pick|grab|grasp|take|lift up|lift|get|fetch|collect|hold'
_HOLD = 'pick up|pick|grab|grasp|lift up|lift|hold'
_STACK = 'stack up|stack|pile up|pile|heap up|heap'
_ARRANGE = f'arrange|organize|organise|align|line up|lay out|order|form|{_PUT}'
_MAKE = 'make|build|create|form|construct|erect|assemble'
_POLITE = (
    'can you|could you|would you|will you|i want you to|i would like you to|i like you to|'
    'i need you to|you should|go ahead and|ok ,|okay ,|ok|okay|hey robot|robot ,|robot|hey|now ,|'
    'now|and|then|next ,|next|first ,|first of all|also|help me'
)
_AFTERTHOUGHT = 'for me|now|thanks|thank you|, thanks|, thank you|again|instead|too|then|there'


class Sentences(Questions):
    """Rules for whole instructions."""

    def instruction(self) -> list[Command] | None:
        """The meaning of all the words; None if they are not understood."""
        for start in (self._after_politeness(0), 0):
            for command, j in self.conversational(start):
                if self._end(j):
                    return [command]
            for question, j in self.question(start):
                if self._end(j):
                    return [question]
            for commands, j in self._commands(start):
                if self._end(j):
                    return list(commands)
        return None

    def _end(self, i: int) -> bool:
        while i < len(self.words):
            j = next(self.take(i, _AFTERTHOUGHT), i)
            if j == i:
                return False
            i = j
        return True

    def _after_politeness(self, i: int) -> int:
        while (j := next(self.take(i, _POLITE), i)) > i:
            i = j
        return i

    # ── commands ─────────────────────────────────────────────────────────────────────────────

    @rule
    def _commands(self, i: int) -> Readings[tuple[Command, ...]]:
        for first, j in self.command(i):
            for k in self.then(j):
                start = self._after_politeness(k)
                for rest, end in self._commands(start):
                    yield (first, *rest), end
                if isinstance(first, Put):
                    # 'put A on B and C on D'
                    for rest, end in self._gapped(start):
                        yield (first, *rest), end
            yield (first,), j

    @rule
    def _gapped(self, i: int) -> Readings[tuple[Command, ...]]:
        for put, j in self._put_rest(i):
            for k in self.then(j):
                for rest, end in self._gapped(k):
                    yield (put, *rest), end
                for rest, end in self._commands(k):
                    yield (put, *rest), end
            yield (put,), j

    @rule
    def command(self, i: int) -> Readings[Command]:
        """One command."""
        yield from self.conversational(i)
        yield from self._swap(i)
        yield from self._match(i)
        yield from self._take_out(i)
        yield from self._point(i)
        yield from self._pick(i)
        yield from self._stack(i)
        yield from self._make(i)
        yield from self._line_up(i)
        for j in self.take(i, _MOVE):
            yield from self._shift_command(j)
        for j in self.take(i, _PUT):
            for k in self.maybe(j, 'down'):
                yield from self._put_rest(k)
                yield from self._fronted(k)
        for j in self.take(i, _ARRANGE):
            for things, k in self.reference(j):
                for target, end in self.target(k):
                    if isinstance(target, InLine | OnEachOther | EachOwn):
                        yield Put(things, target), end
        for j in self.take(i, 'say that|say|tell me that'):
            if j < len(self.words):
                yield Say(self.text(j, len(self.words))), len(self.words)

    def conversational(self, i: int) -> Readings[Command]:
        """What goes on from earlier requests: `Conversation` knows that."""
        yield from ()

    def _put_rest(self, i: int) -> Readings[Put]:
        """'(Put) the red block on the blue block'."""
        yield from self._put_except(i)
        for things, j in self.reference(i):
            for target, k in self.target(j):
                for good, end in self._with_each(target, k):
                    if _sensible(things, good):
                        yield Put(things, good), end

    def _put_except(self, i: int) -> Readings[Put]:
        """'(Put) the blocks in the bowls, except for the red one': who is left out was to move."""
        for things, j in self.things(i):
            if not isinstance(things, Things) or not things.plural or things.excluded:
                continue
            for target, k in self.target(j):
                for tail in self.take(
                    k, ', except for|, except|, but not|except for|except|but not'
                ):
                    for excluded, end in self.of_kind(tail, things.head):
                        text = f'{things.text} except {excluded.text}'
                        yield Put(replace(things, text=text, excluded=excluded), target), end

    def _with_each(self, target: Target, i: int) -> Readings[Target]:
        """'... one on each', '... by color' at the end change nothing."""
        for j in self.maybe(i, 'one by one|one after the other|one at a time|by color'):
            yield target, j

    def _fronted(self, i: int) -> Readings[Put]:
        """'(Put) on the tray the red block'."""
        for target, j in self.target(i):
            for things, k in self.reference(j):
                if _sensible(things, target):
                    yield Put(things, target), k

    def _shift_command(self, i: int) -> Readings[Command]:
        for things, j in self.reference(i):
            for shift, k in self.shift(j):
                yield Put(things, shift), k
            for towards, k in self.towards(j):
                yield Put(things, towards), k

    def _pick(self, i: int) -> Readings[Command]:
        """'Pick up X and place it on Y'."""
        for j in self.take(i, _PICK):
            for things, k in self.reference(j):
                for start in self.maybe(k, 'up'):
                    for end in self.take(start, ', and then|and then|, then|then|, and|and|,'):
                        for verb in self.take(end, _PUT):
                            yield from self._put_picked(things, verb)
        for j in self.take(i, _HOLD):
            for things, k in self.reference(j):
                for end in self.maybe(k, 'up'):
                    if not is_plural(things):
                        yield PickUp(things), end

    def _put_picked(self, things: Reference, i: int) -> Readings[Command]:
        for j in self.maybe(i, 'down'):
            for again, k in self.single(j):
                if isinstance(again, Pronoun) or _repeats(again, things):
                    for start in self.maybe(k, 'down'):
                        for shift, end in self.shift(start):
                            yield Put(things, shift), end
                        for target, end in self.target(start):
                            if _sensible(things, target):
                                yield Put(things, target), end
            for target, k in self.target(j):
                if _sensible(things, target):
                    yield Put(things, target), k

    def _stack(self, i: int) -> Readings[Command]:
        # 'Stack the blocks on the tray': the tray is where to, not which blocks.
        yield from self._stack_at(i)
        for j in self.take(i, _STACK):
            for things, k in self.reference(j):
                for end in self.maybe(
                    k, 'up|in that order|in this order|in order|together|all together'
                ):
                    if is_plural(things):
                        yield Put(things, OnEachOther()), end

    def _stack_at(self, i: int) -> Readings[Command]:
        for j in self.take(i, _STACK):
            for things, k in self.reference(j):
                for start in self.maybe(k, 'up|together|all together|all'):
                    for target, end in self.target(start):
                        if isinstance(target, OnEachOther):
                            yield Put(things, target), end
                        elif isinstance(target, On | AtPosition):
                            plural = is_plural(things)
                            yield Put(things, OnEachOther(target) if plural else target), end

    def _make(self, i: int) -> Readings[Command]:
        """'Build a tower of the blocks', 'make a vertical line with the blocks'."""
        for j in self.take(i, _MAKE):
            for k in self.maybe(j, 'a single|one|a|an|the'):
                for start in self.take(k, 'tower|stack|pile'):
                    made_of = list(self._made_of(start))
                    for things, end in made_of:
                        for target, last in self.target(end):
                            if isinstance(target, On | AtPosition):
                                yield Put(things, OnEachOther(target)), last
                    for things, end in made_of:
                        yield Put(things, OnEachOther()), end
            for shape, k in self.line_words(j):
                yield from self._lines_of(self._made_of(k), shape)

    def _made_of(self, i: int) -> Readings[Reference]:
        for j in self.take(i, 'out of|of|from|with|using'):
            yield from self.reference(j)

    def _line_up(self, i: int) -> Readings[Command]:
        for j in self.take(i, 'line up|align|arrange|lay out|line'):
            lined: dict[str, list[tuple[Reference, int]]] = {}
            for things, k in self.reference(j):
                for start in self.maybe(k, 'up'):
                    for end in self.take(start, 'horizontally|vertically|diagonally'):
                        way = self.word(end - 1).removesuffix('ly')
                        lined.setdefault(way, []).append((things, end))
                    if self.word(i) == 'line':
                        lined.setdefault('horizontal', []).append((things, start))
            for way, made_of in lined.items():
                yield from self._lines_of(made_of, f'a {way} line')

    def _lines_of(self, made_of: Iterable[tuple[Reference, int]], shape: str) -> Readings[Command]:
        """With the place as where to, rather than as which things: 'near the top'."""
        found = [
            (Put(things, line), j) for things, i in made_of for line, j in self.line_where(shape, i)
        ]
        yield from sorted(found, key=lambda put: not _has_place(put[0].target))

    def _swap(self, i: int) -> Readings[Command]:
        for j in self.take(i, 'swap|switch|exchange'):
            for k in self.maybe(j, 'the positions of|the places of|the position of'):
                for first, start in self.single(k):
                    for end in self.take(start, 'and|with|for'):
                        for second, last in self.single(end):
                            yield Swap(first, second), last

    def _take_out(self, i: int) -> Readings[Command]:
        """'Take the block out of the bowl': beside it."""
        for j in self.take(i, 'remove|take|get|pull|move'):
            for things, k in self.reference(j):
                for end in self.take(k, 'out of|from inside|off of|off|from'):
                    for anchor, last in self.single(end):
                        yield Put(things, AtPosition(f'near {anchor.text}', NearTo(anchor))), last

    def _match(self, i: int) -> Readings[Command]:
        """'Match the blocks with the bowls'."""
        for j in self.take(i, 'match|pair up|pair'):
            for things, k in self.reference(j):
                for end in self.take(k, 'with|to|and'):
                    for holders, last in self.single(end):
                        if isinstance(holders, Things) and holders.lexical and holders.plural:
                            for stop in self.maybe(last, 'by color|of the same color'):
                                yield Put(things, ByColor(holders.head, same=True)), stop

    def _point(self, i: int) -> Readings[Command]:
        arm = 'the gripper|your gripper|the arm|the robot|the hand|the tool|gripper'
        for j in self.take(i, 'point|move|bring|hover|go'):
            for k in self.maybe(j, arm):
                if k == j and self.word(i) not in ('point', 'hover', 'go'):
                    continue
                for start in self.take(k, 'above|over|to|at|towards|on'):
                    for position, end in self.position(start):
                        if isinstance(position, Things | Pronoun):
                            yield PointTo(On(position)), end
                        else:
                            yield PointTo(AtPosition(self.text(start, end), position)), end


def _has_place(target: Target) -> bool:
    where = target.where if isinstance(target, InLine) else ''
    return any(
        where.startswith(f' around the {place}')
        for place in ('middle', 'center', 'top', 'bottom', 'left', 'right')
        if ' of the ' not in where
    )


def _repeats(again: Reference, things: Reference) -> bool:
    """Whether 'the block' only repeats 'the leftmost block'."""
    return (
        isinstance(again, Things)
        and isinstance(things, Things)
        and again.lexical
        and again.head == things.head
        and not again.adjectives
    )


def _sensible(things: Reference, target: Target) -> bool:
    """Whether these things can go to this target; rules out readings, not requests."""
    if isinstance(target, OnEachOther | EachOwn) and not is_plural(things):
        return False
    return not (isinstance(target, On) and target.things == things)
