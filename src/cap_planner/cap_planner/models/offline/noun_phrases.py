"""Noun phrases: what stands for objects and places. No ROS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

from cap_planner.models.offline.meaning import (
    Anchor,
    ByDistance,
    Direction,
    Group,
    Order,
    Pronoun,
    Reference,
    Relation,
    Things,
)
from cap_planner.models.offline.names import lexical_matches
from cap_planner.models.offline.parser import Readings, rule
from cap_planner.models.offline.place_phrases import SIDES, PlacePhrases
from cap_planner.models.offline.words import (
    ANYTHING,
    DIRECTIONS,
    EXTREMES,
    NUMBERS,
    ORDINALS,
    SUPERLATIVES,
    singular,
)

_ALL = 'all of|all|every one of|every|each of|each|both of|both|any of|any'
_DETERMINERS = 'the|a|an|any|this|that|these|those|my|your|its|their|another'
_NEAR = 'next to|close to|near to|near|beside|adjacent to|by the side of|by|around'
_IN = 'inside of|inside|into|in|within'
_ON = 'on the top of|on top of|on|onto|upon|atop|over'
_IDLE = (
    'on the table|on the board|on the desk|in the scene|in front of you|in view|that are there|'
    'that you see|that you can see|you can see|you see|there|that is there|we have'
)
_HOLDS = ('has', 'have', 'having')
_HOLDING = 'that contains|which contains|containing|that holds|which holds|holding|with'
_BEFORE_NOUN = frozenset((*EXTREMES, *ORDINALS, *SUPERLATIVES, 'closest', 'farthest'))


@dataclass(frozen=True)
class _Start:
    """What stands before adjectives and noun."""

    every: bool = False
    both: bool = False
    definite: bool = True
    other: bool = False
    count: int | None = None


class NounPhrases(PlacePhrases):
    """Rules for noun phrases."""

    # ── several of them ──────────────────────────────────────────────────────────────────────

    @rule
    def reference(self, i: int) -> Readings[Reference]:
        """One noun phrase, or several with 'and'; the longest reading first."""
        for first, j in self.single(i):
            yield from self._listed([first], i, j)

    def _listed(self, members: list[Reference], i: int, j: int) -> Readings[Reference]:
        if len(members) < 8 and not isinstance(members[-1], Group):
            for k in self.take(j, ', and|and|as well as|,'):
                for member, end in self.single(k):
                    yield from self._listed([*members, member], i, end)
        yield (members[0] if len(members) == 1 else Group(self.text(i, j), tuple(members))), j

    @rule
    def single(self, i: int) -> Readings[Reference]:
        """A pronoun or a noun phrase."""
        for j in self.take(i, 'it|this|that'):
            yield Pronoun('it', plural=False), j
        for j in self.take(i, 'both of them|all of them|them all|them both|them|these|those|they'):
            yield Pronoun('them', plural=True), j
        yield from self.things(i)

    @rule
    def anchor(self, i: int) -> Readings[Anchor]:
        """What a relation refers to."""
        yield from self.place(i)
        yield from self.single(i)

    # ── one of them ──────────────────────────────────────────────────────────────────────────

    @rule
    def things(self, i: int) -> Readings[Things | Group]:
        """A noun phrase with what follows its noun."""
        for base, j in self._core(i):
            if isinstance(base, Group):
                yield base, j
                continue
            # What the names alone tell apart needs no further description.
            found = lexical_matches(base, self.names) if base.lexical else []
            alone = len(found) == 1 and not base.plural
            if alone:
                yield base, j
            for things, k in self._modified(base, j):
                text = self.text(i, k)
                by = things.by_distance
                if by and by.anchor == _OPEN:
                    # 'The closest bowl': to what is moved.
                    by = replace(by, anchor=Pronoun('it', plural=False))
                    yield replace(things, text=f'{text} to it', by_distance=by), k
                else:
                    yield replace(things, text=text), k

    def _modified(self, base: Things, j: int) -> Readings[Things]:
        for better, k in self._modifier(base, j):
            self.seen(k)
            yield from self._modified(better, k)
        yield base, j

    def _core(self, i: int) -> Readings[Things | Group]:
        """A noun phrase up to its noun."""
        for j in self.take(i, 'everything|all of it|all'):
            if not self.content(j):
                yield Things(self.text(i, j), '', plural=True), j
        for start, j in self._start(i):
            yield from self._named(start, i, j)
            yield from self._listed_adjectives(i, j)
            yield from self._premodified(start, Things('', '', plural=False), i, j)

    def _start(self, i: int) -> Readings[_Start]:
        """Quantifier, determiner, count."""
        start = _Start()
        j = next(self.take(i, _ALL), i)
        if j > i:
            start = replace(start, every=True, both=self.word(i) == 'both')
            if self.word(i) == 'any':
                start = replace(start, definite=False)
        k = next(self.take(j, 'the rest of|the remaining'), j)
        if k > j:
            start = replace(start, other=True)
        j = k
        k = next(self.take(j, _DETERMINERS), j)
        if k > j and self.word(j) in ('a', 'an', 'any', 'another'):
            start = replace(start, definite=False, other=self.word(j) == 'another')
        j = k
        k = next(self.take(j, 'other|remaining'), j)
        if k > j:
            start = replace(start, other=True)
        j = k
        word = self.word(j)
        if self.word(j - 1) not in ('the', 'all', 'both', 'these', 'those', 'other'):
            counted = replace(start, definite=False)  # 'one block' is any block
        else:
            counted = start
        if word in NUMBERS and (self.content(j + 1) or self.word(j + 1) in _BEFORE_NOUN):
            yield replace(counted, count=NUMBERS[word]), j + 1
        elif word.isdigit():
            yield replace(counted, count=int(word)), j + 1
        elif word in NUMBERS and self.word(j + 1) == 'of':
            for k in self.maybe(j + 2, 'the'):
                yield replace(start, count=NUMBERS[word], definite=False), k
        yield start, j

    def _named(self, start: _Start, i: int, j: int) -> Readings[Things]:
        """An object's name as it stands in the scene."""
        if start.every or start.count:
            return
        for words in sorted(self.name_words, key=len, reverse=True):
            k = j + len(words)
            if words and tuple(self.words[j:k]) == words:
                self.seen(k)
                name = self.name_words[words]
                yield Things(self.text(i, k), words[-1], False, True, name, words[:-1]), k

    def _listed_adjectives(self, i: int, j: int) -> Readings[Group]:
        """'The red and blue blocks'."""
        lists: list[tuple[str, ...]] = []
        k = j
        while self.content(k):
            end = k
            while self.content(end):
                end += 1
            comma = next(self.take(end, ', and|and|,'), end)
            if comma == end:
                head, plural = singular(self.word(end - 1), self.nouns)
                lists.append(tuple(self.words[k : end - 1]))
                if plural and len(lists) > 1 and all(lists):
                    self.seen(end)
                    members = tuple(
                        Things(f'the {" ".join(a)} {head}', head, False, adjectives=a)
                        for a in lists
                    )
                    yield Group(self.text(i, end), members), end
                return
            lists.append(tuple(self.words[k:end]))
            k = comma

    def _premodified(self, start: _Start, base: Things, i: int, j: int) -> Readings[Things]:
        """Adjectives, ordinals and superlatives, then the noun."""
        word = self.word(j)
        if self.content(j):
            yield from self._headed(start, base, i, j)
        if word in EXTREMES:
            index = base.order.index if base.order else 0
            order = Order(cast('Direction', EXTREMES[word]), index)
            yield from self._next(start, replace(base, order=order), i, j)
        elif word in ORDINALS:
            yield from self._next(start, replace(base, order=Order('left', ORDINALS[word])), i, j)
        elif word in SIDES and (self.content(j + 1) or self.word(j + 1) in ('one', 'ones')):
            index = base.order.index if base.order else 0
            order = Order(cast('Direction', SIDES[word]), index)
            yield from self._next(start, replace(base, order=order), i, j)
        elif word in SUPERLATIVES:
            yield from self._next(start, replace(base, by_look=SUPERLATIVES[word]), i, j)
        elif word in ('closest', 'farthest'):
            index = base.order.index if base.order else 0
            by = ByDistance(word == 'farthest', _OPEN, index)
            yield from self._next(start, replace(base, order=None, by_distance=by), i, j)
        elif word in ('middle', 'center'):
            yield from self._next(start, replace(base, middle=True), i, j)
        elif word in ('not', 'non'):
            if self.content(j + 1):
                negated = (*base.not_adjectives, self.word(j + 1))
                yield from self._next(start, replace(base, not_adjectives=negated), i, j + 1)
        elif word in ('one', 'ones'):
            yield self._complete(start, replace(base, plural=word == 'ones'), i, j + 1)
        elif base.order and word in ('', 'and', ',', 'from', 'in', 'to', 'on', 'is'):
            # 'the leftmost', without a noun
            yield self._complete(start, base, i, j)

    def _next(self, start: _Start, base: Things, i: int, j: int) -> Readings[Things]:
        self.seen(j + 1)
        yield from self._premodified(start, base, i, j + 1)

    def _headed(self, start: _Start, base: Things, i: int, j: int) -> Readings[Things]:
        """The rest of the adjectives and the noun: as many words as there are, then fewer."""
        end = j
        while self.content(end) and self.word(end) not in EXTREMES:
            end += 1
        self.seen(j + 1)
        for k in range(end, j, -1):
            head, plural = singular(self.word(k - 1), self.nouns)
            anything = head in ANYTHING and head not in self.nouns
            things = replace(
                base,
                head='' if anything else head,
                plural=plural,
                adjectives=base.adjectives + tuple(self.words[j : k - 1]),
            )
            yield self._complete(start, things, i, k)
        if end > j and self.word(end) in ('one', 'ones'):
            adjectives = base.adjectives + tuple(self.words[j:end])
            things = replace(base, adjectives=adjectives, plural=self.word(end) == 'ones')
            yield self._complete(start, things, i, end + 1)

    def _complete(self, start: _Start, things: Things, i: int, j: int) -> tuple[Things, int]:
        self.seen(j)
        every = start.every and start.definite
        return replace(
            things,
            text=self.text(i, j),
            plural=things.plural or every or (start.count or 1) > 1,
            definite=start.definite,
            other=start.other,
            count=2 if start.both else start.count,
        ), j

    # ── what follows the noun ────────────────────────────────────────────────────────────────

    def _modifier(self, base: Things, j: int) -> Readings[Things]:
        for k in self.take(j, _IDLE):
            yield base, k
        yield from self._count_from(base, j)
        for start in self.maybe(
            j,
            'that is the|which is the|that are the|that is|that are|which is|which are|that lies|'
            'that stands|that sits|standing|lying|sitting|placed|located|that have|that has|'
            'which has|which have|having|who is|is|are',
        ):
            if (
                start > j
                and self.word(start - 1) in ('is', 'are')
                and self.word(j) in ('is', 'are')
            ):
                continue  # a verb of the sentence
            for negation in self.maybe(start, 'not|but not|and not'):
                yield from self._described(base, negation, negation > start, start > j)
        for k in self.take(j, 'other than|except for|except|besides|apart from|but not|but'):
            for excluded, end in self.of_kind(k, base.head):
                yield replace(base, excluded=excluded), end

    def of_kind(self, i: int, head: str) -> Readings[Reference]:
        """'(All the blocks except) the red one' is a block."""
        for things, j in self.reference(i):
            if isinstance(things, Things) and not things.head and head:
                yield replace(things, head=head, name=None), j
            else:
                yield things, j

    def _count_from(self, base: Things, j: int) -> Readings[Things]:
        """'(The second block) from the left'."""
        if base.order is None:
            return
        for k in self.take(j, 'counting|counted|when counting'):
            yield from self._count_from(base, k)
        for k in self.take(j, 'from the|on the|at the|from|to the|in'):
            if self.word(k) in DIRECTIONS and self.word(k + 1) != 'of':
                order = Order(cast('Direction', self.word(k)), base.order.index)
                for end in self.maybe(k + 1, 'hand side|side|edge'):
                    yield replace(base, order=order), end

    def _described(self, base: Things, j: int, negated: bool, clause: bool) -> Readings[Things]:
        if not negated:
            yield from self._compared(base, j)
        for relation, k in self.relation(j):
            found = replace(relation, negated=negated)
            yield replace(base, relations=(*base.relations, found)), k
        if not negated and (self.word(j - 1) in _HOLDS or any(self.take(j, _HOLDING))):
            k = next(self.take(j, _HOLDING), j)
            for anchor, end in self.single(k):
                for last in self.maybe(end, 'on it|in it|on top'):
                    yield (
                        replace(base, relations=(*base.relations, Relation('holds', anchor))),
                        last,
                    )
        if clause and self.content(j):
            # 'that are red', 'that are not red'
            word = (self.word(j),)
            if negated:
                yield replace(base, not_adjectives=base.not_adjectives + word), j + 1
            else:
                yield replace(base, adjectives=base.adjectives + word), j + 1
        if self.word(j) in EXTREMES and not negated:
            yield replace(base, order=Order(cast('Direction', EXTREMES[self.word(j)]))), j + 1

    def _compared(self, base: Things, j: int) -> Readings[Things]:
        """'Closest to the red bowl'."""
        index = 0
        if base.by_distance and base.by_distance.anchor == _OPEN:
            farthest, k = base.by_distance.farthest, j
            index = base.by_distance.index
        else:
            k = next(self.take(j, 'the second|the third|second|third'), j)
            index = ORDINALS[self.word(k - 1)] if k > j else 0
            k = next(self.take(k, 'the'), k)
            if self.word(k) not in ('closest', 'farthest'):
                return
            farthest, k = self.word(k) == 'farthest', k + 1
        for start in self.maybe(k, 'away from|away to|to|from|of|by'):
            for anchor, end in self.anchor(start):
                yield replace(base, by_distance=ByDistance(farthest, anchor, index)), end

    @rule
    def relation(self, i: int) -> Readings[Relation]:
        """'To the left of the red bowl', 'in the bowl', 'with the same color as the block'."""
        for direction, j in self.direction_of(i):
            for anchor, k in self.anchor(j):
                yield Relation(direction, anchor), k
        for kind, phrases in (('near', _NEAR), ('in', _IN), ('on', _ON)):
            for j in self.take(i, phrases):
                for place, k in self.place(j):
                    yield Relation('at', place), k
                for place, k in self.bare_place(j):
                    yield Relation('at', place), k
                for anchor, k in self.single(j):
                    yield Relation(kind, anchor), k
        yield from self._color_relation(i)

    def _color_relation(self, i: int) -> Readings[Relation]:
        for start in self.maybe(i, 'with|of|in|having'):
            for kind, phrases in (
                ('same color', 'the same color as|the same color of|the color of|same color as'),
                (
                    'different color',
                    'a different color than|a different color from|a different color to|'
                    'another color than|a color other than|colors other than|'
                    'different colors than|different colors from|a color different from',
                ),
            ):
                for j in self.take(start, phrases):
                    for anchor, k in self.single(j):
                        yield Relation(kind, anchor), k
        for j in self.take(i, 'matching|that matches|which matches|that match|the color of'):
            for anchor, k in self.single(j):
                for end in self.maybe(k, 'in color'):
                    yield Relation('same color', anchor), end

    def near(self, i: int) -> Iterator[int]:
        """'Next to'."""
        return self.take(i, _NEAR)


_OPEN = Pronoun('', plural=False)
"""Stands for the anchor of 'the closest block' until 'to the bowl' comes."""
