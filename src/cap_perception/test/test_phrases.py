"""What is looked for, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_common.palette import COLORS
from cap_perception.phrases import (
    NoPhrasesError,
    Phrase,
    UnknownPhraseError,
    answered,
    check_known,
    parse_phrase,
    parse_phrases,
)

NOUNS = st.lists(st.sampled_from(['block', 'bowl', 'orange', 'stop sign']), min_size=1).map(
    ' '.join
)


@pytest.mark.parametrize(
    ('text', 'color', 'noun'),
    [
        ('block', '', 'block'),
        ('red block', 'red', 'block'),
        ('the Grey  Bowl', 'gray', 'bowl'),
        ('orange', '', 'orange'),
        ('an orange orange', 'orange', 'orange'),
        ('a', '', 'a'),
        ('small stop sign', '', 'small stop sign'),
    ],
)
def test_words(text, color, noun):
    assert parse_phrase(text) == Phrase(text, color, noun)


@given(color=st.sampled_from(sorted(COLORS)), noun=NOUNS, article=st.sampled_from(['', 'the ']))
def test_color_and_noun_come_back(color, noun, article):
    phrase = parse_phrase(f'{article}{color} {noun}')
    assert (phrase.color, phrase.noun) == (color, noun)


@pytest.mark.parametrize('texts', [[], ['block', ' '], ['']])
def test_nothing_to_look_for(texts):
    with pytest.raises(NoPhrasesError, match='say what to look for'):
        parse_phrases(texts)


def test_what_is_not_known():
    with pytest.raises(UnknownPhraseError, match=r"'color'.*'red unicorn'.*'block', 'bowl'"):
        check_known(parse_phrases(['block', 'red unicorn']), ('bowl', 'block'), 'color')
    check_known(parse_phrases(['block', 'red bowl']), ('bowl', 'block'), 'color')


def test_the_phrase_with_the_color_answers_first():
    phrases = parse_phrases(['block', 'red block', 'blue bowl'])
    assert answered(phrases, 'red', 'block').text == 'red block'
    assert answered(phrases, 'green', 'block').text == 'block'
    assert answered(phrases, 'blue', 'bowl').text == 'blue bowl'
    assert answered(phrases, 'red', 'bowl') is None
