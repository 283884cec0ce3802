"""Questions about the table. No ROS."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from cap_planner.models.offline.meaning import (
    ByDistance,
    Group,
    Order,
    Place,
    Pronoun,
    Question,
    Reference,
    Things,
)
from cap_planner.models.offline.parser import Readings, rule
from cap_planner.models.offline.targets import Targets
from cap_planner.models.offline.words import EXTREMES

_PICTURE = (
    'are there on the table|are on the table|are there|do you see|can you see|is there|exist|'
    'there are|are visible|are present|do we have'
)

Answer = Literal['yes or no', 'names', 'value']


class Questions(Targets):
    """Rules for questions."""

    @rule
    def question(self, i: int) -> Readings[Question]:
        """Any question."""
        for j in self.maybe(
            i, 'can you tell me|could you tell me|do you know|tell me|i want to know|say'
        ):
            yield from self._how_many(j)
            yield from self._color(j)
            yield from self._where(j)
            yield from self._how_far(j)
            yield from self._which(j)
            yield from self._whether(j)
            if self.word(i) == 'tell' and j > i:
                for told, k in self.things(j):
                    answer: Answer = 'names' if is_plural(told) else 'value'
                    yield self._ask(i, k, 'which', told, answer), k
            for k in self.take(j, 'list|name|the names of'):
                for end in self.maybe(k, 'the names of'):
                    for things, last in self.reference(end):
                        yield self._ask(i, last, 'which', _all(things), 'names'), last

    def _ask(
        self,
        i: int,
        j: int,
        kind: str,
        things: Reference,
        answer: Answer,
        predicate: Things | None = None,
        second: Reference | Place | None = None,
    ) -> Question:
        return Question(self.text(i, j), kind, things, answer, predicate, second)

    def _how_many(self, i: int) -> Readings[Question]:
        for j in self.take(i, 'how many|what is the number of|count|what number of'):
            for base, k in self._core(j):
                if not isinstance(base, Things):
                    continue
                for start in self.maybe(k, f'of them|{_PICTURE}'):
                    for verb in self.maybe(start, 'are|is|lie|stand'):
                        for things, end in self._modified(replace(base, plural=True), verb):
                            for last in self.maybe(end, _PICTURE):
                                text = _text(base.text, self.text(verb, end))
                                many = replace(things, text=f'the {text}'.replace('the the', 'the'))
                                yield self._ask(i, last, 'how many', many, 'value'), last

    def _color(self, i: int) -> Readings[Question]:
        for j in self.take(
            i,
            'what color is|what color are|which color is|which color has|what color does|'
            'what is the color of|what are the colors of|what colors are',
        ):
            for things, k in self.reference(j):
                for end in self.maybe(k, 'have'):
                    yield self._ask(i, end, 'color', things, 'value'), end

    def _where(self, i: int) -> Readings[Question]:
        for j in self.take(
            i,
            'where is|where are|what is the position of|which corner is|which side is|'
            'what is the location of|where do you see|where can i find',
        ):
            for things, k in self.reference(j):
                for end in self.maybe(k, 'closest to|in|on|at|located|now'):
                    yield self._ask(i, end, 'where', things, 'value'), end

    def _how_far(self, i: int) -> Readings[Question]:
        for j in self.take(
            i,
            'how far away is|how far is|what is the distance between|'
            'what is the distance from|how far apart are',
        ):
            for first, k in self.single(j):
                for end in self.take(k, 'away from|from|and|to'):
                    for second, last in self.anchor(end):
                        yield (
                            self._ask(
                                i,
                                last,
                                'distance',
                                first,
                                'value',
                                second=second,
                            ),
                            last,
                        )

    def _which(self, i: int) -> Readings[Question]:
        """'What is the leftmost block', 'which blocks are in the bowl', 'what do you see'."""
        for j in self.take(
            i,
            'what do you see|what can you see|what is there|what is on the table|'
            'what is in the scene|what objects are there',
        ):
            yield self._ask(i, j, 'which', Things('everything', '', plural=True), 'names'), j
        for j in self.take(i, 'which one|which ones|what|which|who'):
            for k in self.take(j, 'is|are'):
                for end in self.maybe(k, 'the name of|the names of'):
                    for things, last in self.reference(end):
                        if not isinstance(things, Pronoun):
                            answer: Answer = 'names' if is_plural(things) else 'value'
                            yield self._ask(i, last, 'which', things, answer), last
                any_thing = Things('the objects', '', plural=True)
                yield from self._which_are(i, any_thing, k)
            for k in self.take(j, 'of the'):
                yield from self._which_head(i, k)
            yield from self._which_head(i, j)

    def _which_head(self, i: int, j: int) -> Readings[Question]:
        for base, k in self._core(j):
            if isinstance(base, Things):
                for end in self.take(k, _PICTURE):
                    things = replace(_all(base), text=f'the {base.text}')
                    yield self._ask(i, end, 'which', things, 'names'), end
                singular_verb = self.word(k) == 'is'
                for end in self.take(k, 'is|are|has|have|lies|stands'):
                    words = [*base.text.split()[:-1], base.head or 'object']
                    text = f'the {" ".join(words) if singular_verb else base.text}'
                    the = replace(base, text=text, definite=True, plural=not singular_verb)
                    yield from self._which_are(i, the, end)
                    yield from self._which_of_it(i, the, end)

    def _which_of_it(self, i: int, base: Things, j: int) -> Readings[Question]:
        """'(Which bowl is) the red block closest to'."""
        for anchor, k in self.single(j):
            for start in self.maybe(k, 'the'):
                for end in self.take(start, 'closest to|farthest from|farthest to|closest from'):
                    by = ByDistance(self.word(start) == 'farthest', anchor)
                    text = f'{base.text} {self.text(start, end)} {anchor.text}'
                    things = replace(base, text=text, by_distance=by)
                    yield self._ask(i, end, 'which', things, 'value'), end

    def _which_are(self, i: int, base: Things, j: int) -> Readings[Question]:
        answer: Answer = 'names' if base.plural else 'value'
        for things, k in self._predicate(base, j):
            yield self._ask(i, k, 'which', things, answer), k

    def _predicate(self, base: Things, j: int) -> Readings[Things]:
        """What is said of the things: 'leftmost', 'in the bowl', 'not red'."""
        for negation in self.maybe(j, 'not'):
            negated = negation > j
            for k in self.maybe(negation, 'the'):
                if self.word(k) in EXTREMES and not negated:
                    word = self.word(k)
                    order = Order(EXTREMES[word])  # type: ignore[arg-type]
                    for end in self.maybe(k + 1, 'one|ones'):
                        text = base.text.replace('the ', f'the {word} ', 1)
                        yield replace(base, text=text, order=order), end
            for things, k in self._described(base, negation, negated, True):
                said = self.text(j, k)
                yield replace(things, text=f'{base.text} that {_be(base)} {said}'), k

    def _whether(self, i: int) -> Readings[Question]:
        for j in self.take(i, 'is there|are there|do you see|can you see|is|are|does|do'):
            if self.word(j - 1) in ('there', 'see'):
                for things, k in self.reference(j):
                    yield self._ask(i, k, 'exists', things, 'yes or no'), k
                continue
            for k in self.take(j, 'anything|something'):
                anything = Things('the objects', '', plural=True)
                for things, end in self._modified(anything, k):
                    text = f'the objects {self.text(k, end)}'
                    yield self._ask(i, end, 'exists', replace(things, text=text), 'yes or no'), end
            for subject, k in self.reference(j):
                for start in self.maybe(k, 'have|has|lie|stand'):
                    blank = Things('it', '', plural=False)
                    for predicate, end in self._predicate(blank, start):
                        yield self._ask(i, end, 'is', subject, 'yes or no', predicate), end
                    for other, end in self.single(start):
                        if isinstance(other, Things) and self.word(start) in (
                            'the',
                            'a',
                            'an',
                            'one',
                        ):
                            yield self._ask(i, end, 'is one of', subject, 'yes or no', other), end
                for end in self.take(k, 'there|visible|on the table'):
                    yield self._ask(i, end, 'exists', subject, 'yes or no'), end


def _be(things: Things) -> str:
    return 'are' if things.plural else 'is'


def _text(*parts: str) -> str:
    return ' '.join(part for part in parts if part)


def _all(things: Reference) -> Reference:
    return replace(things, plural=True) if isinstance(things, Things) else things


def is_plural(things: Reference) -> bool:
    """Whether several objects are meant."""
    return isinstance(things, Group) or things.plural
