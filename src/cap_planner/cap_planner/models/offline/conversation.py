"""What people say in a conversation: undo, why, the same again, imagine. No ROS."""

from __future__ import annotations

from collections.abc import Iterator

from cap_planner.models.offline.changes import CHANGE_VERBS, Changes
from cap_planner.models.offline.meaning import (
    Ability,
    AtPosition,
    ChangeShape,
    Command,
    Erupt,
    Imagine,
    On,
    Pronoun,
    Repeat,
    TheirNames,
    Things,
    Tower,
    Undo,
    WaitFor,
    WasMoved,
    WhatMoved,
    Why,
)
from cap_planner.models.offline.parser import Readings
from cap_planner.models.offline.sentences import Sentences
from cap_planner.models.offline.words import ANYTHING, singular, word_set

SHAPES = word_set(
    'square circle line row column ring triangle rectangle diamond pentagon hexagon heptagon '
    'octagon shape formation'
)
UNDO = (
    'undo that|undo it|undo this|undo the last action|undo the last move|undo the last step|'
    'undo your last action|undo your last move|undo what you did|undo everything you did|undo|'
    'take that back|take it back|take this back|revert that|revert it|revert|reverse that|'
    'go back to how it was|put everything back|put everything back where it was'
)
_SAME_WITH = (
    'do the same thing with|do the same with|do the same thing for|do the same for|do the same to|'
    'repeat that with|repeat this with|repeat it with|repeat that for|repeat this for|do that with|'
    'do that to|do this with|do it with|do it to|the same with|the same for|same with|same for|'
    'likewise with|likewise for|same thing with|same thing for'
)
_AGAIN = (
    'do it again|do that again|do this again|do the same again|again|once more|one more time|'
    'repeat that|repeat this|repeat it|do it once more|do that once more|repeat'
)
_MOVED = 'move|put|place|pick up|stack|shift|take|push|moved|stacked|placed|picked up|shifted'
_CAN = (
    'move|put|place|pick up|stack|shift|lift|push|count|see|point to|point at|arrange|sort|'
    'rearrange|transport|carry|line up'
)
_CANNOT = (
    'throw|toss|catch|juggle|fly|jump|walk|run|dance|sing|kick|cut|paint|draw|write|break|cook|'
    'eat|drink|fold|pour|open|close|clean|smell|taste|hear|swim|drive|bounce|roll|kick|squeeze|'
    'bend|burn|melt|glue|screw|hammer|crush|peel'
)
_CAN_YOU = 'can you|are you able to|could you|do you know how to|is it possible for you to'
_IMAGINE = (
    'imagine that|imagine|pretend that|pretend|suppose that|suppose|assume that|assume|'
    'let us pretend that|let us pretend|let us imagine that|let us imagine|let us say that'
)
_STAND_FOR = 'represents|represent|stand for|stands for|are|is|was|were'
_WAIT = (
    'wait until you see|wait until you can see|wait until there is|wait till you see|wait for|'
    'when you see|as soon as you see|once you see|as soon as there is|when there is|wait until'
)


class Conversation(Changes, Sentences):
    """Rules for what goes on from earlier requests."""

    def conversational(self, i: int) -> Readings[Command]:
        """Undo, why, the same again, imagine."""
        yield from self._undo(i)
        yield from self._repeat(i)
        yield from self._memory(i)
        yield from self._ability(i)
        yield from self._imagine(i)
        yield from self._tower(i)
        yield from self._erupt(i)
        yield from self._wait(i)
        yield from self._change(i)

    def _undo(self, i: int) -> Readings[Command]:
        for j in self.take(i, UNDO):
            yield Undo(), j
        for j in self.take(
            i, 'put it back|put them back|put that back|move it back|move them back'
        ):
            for k in self.maybe(
                j, 'where it was|where they were|to where it was|where it came from'
            ):
                if not self.word(k):
                    yield Undo(), k

    def _repeat(self, i: int) -> Readings[Command]:
        for j in self.take(i, _SAME_WITH):
            for things, k in self.reference(j):
                yield Repeat(things), k
        for j in self.take(i, _AGAIN):
            yield Repeat(), j

    # ── memory ───────────────────────────────────────────────────────────────────────────────

    def _memory(self, i: int) -> Readings[Command]:
        yield from self._why(i)
        for j in self.take(
            i, 'what did you do|what have you done|what did you move|what have you moved'
        ):
            yield WhatMoved(), j
        for j in self.take(i, 'which|what|how many'):
            if self.content(j):
                head, _ = singular(self.word(j), self.nouns)
                for k in self._you_moved(j + 1):
                    yield WhatMoved('' if head in ANYTHING else head, self.word(i) == 'how'), k
        for j in self._you_moved(i):
            for things, k in self.reference(j):
                yield WasMoved(things), k
        for j in self.maybe(i, 'tell me|what are|say|list|give me|and'):
            for k in self.take(j, 'their names|the names of them|their name|what they are called'):
                yield TheirNames(), k

    def _you_moved(self, i: int) -> Iterator[int]:
        for j in self.take(i, 'did you|have you'):
            yield from self.take(j, _MOVED)

    def _why(self, i: int) -> Readings[Command]:
        for j in self.take(i, 'why did you|why have you|what made you'):
            for k in self.take(j, 'do that|do it|do this|done that|done it'):
                yield Why(None), k
            for k in self.take(j, _MOVED):
                for things, end in self.reference(k):
                    for last in self.maybe(end, 'there|away|up|over there'):
                        yield Why(things), last

    def _ability(self, i: int) -> Readings[Command]:
        """'Can you throw blocks?' 'Can you throw the block away' is no question of ability."""
        for j in self.take(0, _CAN_YOU):
            if i not in (0, j):
                continue
            for verbs, can in ((_CANNOT, False), (_CAN, True)):
                for k in self.take(j, verbs):
                    _, plural = singular(self.word(k), self.nouns)
                    if not self.word(k) and not can:
                        yield Ability(self.text(j, k), can), k
                    elif self.content(k) and plural and not self.word(k + 1):
                        yield Ability(self.text(j, k + 1), can), k + 1

    # ── imagination ──────────────────────────────────────────────────────────────────────────

    def _imagine(self, i: int) -> Readings[Command]:
        for j in self.take(i, _IMAGINE):
            for things, k in self.reference(j):
                for end in self.take(k, _STAND_FOR):
                    for start in self.take(end, 'the parts of|parts of|pieces of|the pieces of'):
                        for nouns, last in self._nouns(start):
                            if len(nouns) == 1:
                                yield Imagine(things, nouns, parts=True), last
                    for nouns, last in self._nouns(end):
                        yield Imagine(things, nouns), last

    def _nouns(self, i: int) -> Readings[tuple[str, ...]]:
        """'A volcano, a forest, and an ocean'."""
        for j in self.maybe(i, 'the|a|an'):
            if not self.content(j) and self.word(j) not in SHAPES:
                continue
            self.seen(j + 1)
            for k in self.take(j + 1, ', and|and|,'):
                for rest, end in self._nouns(k):
                    yield (self.word(j), *rest), end
            yield (self.word(j),), j + 1

    def _tower(self, i: int) -> Readings[Command]:
        for j in self.take(i, 'build|make|erect|construct'):
            for k in self.take(j, 'a tower|a stack|one tower|a pile|the tower'):
                for target, end in self.target(k):
                    if isinstance(target, On | AtPosition):
                        yield Tower(target), end
                yield Tower(None), k

    def _erupt(self, i: int) -> Readings[Command]:
        for j in self.take(
            i, 'show me what happens when|show what happens when|show me how|what if'
        ):
            for first, k in self.single(j):
                for verb in self.take(k, 'erupts|explodes|bursts|spits|overflows'):
                    for end in self.take(verb, 'over|into|onto|on|above|in'):
                        for second, last in self.single(end):
                            yield Erupt(first, second), last

    # ── the rest ─────────────────────────────────────────────────────────────────────────────

    def _wait(self, i: int) -> Readings[Command]:
        for j in self.take(i, _WAIT):
            for k in self.maybe(j, 'the|a|an'):
                end = k
                while self.content(end):
                    end += 1
                    self.seen(end)
                if end > k:
                    for last in self.maybe(
                        end, 'appears|comes|is there|shows up|arrives|is visible'
                    ):
                        yield WaitFor(self.text(k, end)), last

    def _change(self, i: int) -> Readings[Command]:
        """'Make the square bigger'."""
        for j in self.take(i, CHANGE_VERBS):
            verb = self.text(i, j)
            for noun, k in self._shape_noun(j):
                for change, end in self.after_verb(verb, k):
                    yield ChangeShape(noun, change), end
            # 'them' are several things, which can be moved without being a shape
            if verb not in ('move', 'shift'):
                for reference, k in self.single(j):
                    if isinstance(reference, Pronoun):
                        for change, end in self.after_verb(verb, k):
                            yield ChangeShape('', change), end

    def _shape_noun(self, i: int) -> Readings[str]:
        for j in self.take(i, 'the|that|this|your'):
            for k in self.maybe(j, 'whole|entire|horizontal|vertical|diagonal'):
                if self.word(k) in SHAPES:
                    self.seen(k + 1)
                    for end in self.maybe(k + 1, 'of blocks|of the blocks|of objects'):
                        yield shape_noun(self.word(k)), end


def shape_noun(word: str) -> str:
    """The word by which a shape is kept."""
    return {'row': 'line', 'column': 'line', 'ring': 'circle', 'formation': '', 'shape': ''}.get(
        word, word
    )


def spoken_of(command: Command) -> Things | None:
    """What a question or command is about, if that is one noun phrase."""
    things = getattr(command, 'things', None)
    return things if isinstance(things, Things) else None
