"""Words on their way into a detector and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_common.palette import COLORS
from cap_perception.phrases import Phrase, parse_phrase, parse_phrases
from cap_perception.words import Words, WordsError

WORD = st.sampled_from(
    ['block', 'bowl', 'stop', 'sign', 'square', 'orange', 'blocks', 'x.y', '(a)']
)
NOUN = st.lists(WORD, min_size=1, max_size=3).map(' '.join)
PHRASE = st.tuples(st.sampled_from(['', *sorted(COLORS)]), NOUN).map(lambda p: ' '.join(p).strip())
TABLE = st.dictionaries(
    NOUN, st.sampled_from(['square', 'cube', 'round dish', 'a|b', '\\1']), max_size=4
)


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('block', 'square'),
        ('the red block', 'red square'),
        ('small block', 'small square'),
        ('blocks', 'blocks'),
        ('blue stop sign', 'blue red board'),
        ('sign', 'board'),
        ('bowl', 'bowl'),
    ],
)
def test_said(text, said):
    words = Words(['block = square', 'sign = board', 'stop sign=red board'])
    assert words.said(parse_phrase(text)) == said


def test_a_prompt_goes_around():
    words = Words(['block = toy block'], 'a photo of a {}')
    assert words.said(parse_phrase('Red Block')) == 'a photo of a red toy block'


@given(table=TABLE, texts=st.lists(PHRASE, min_size=1, max_size=5, unique=True))
def test_what_was_said_comes_back_as_what_was_meant(table, texts):
    """Of phrases that are said alike the first."""
    words = Words(f'{ours} = {theirs}' for ours, theirs in table.items())
    phrases = parse_phrases(texts)
    said = [words.said(phrase) for phrase in phrases]
    for phrase, answer in zip(phrases, said, strict=True):
        assert words.meant(f' {answer.upper()} ', phrases) == phrases[said.index(answer)]
        assert words.said(phrase) == answer


@given(text=PHRASE, table=TABLE)
def test_only_words_of_the_table_change(text, table):
    phrase = parse_phrase(text)
    said = Words(f'{ours} = {theirs}' for ours, theirs in table.items()).said(phrase)
    assert said.split()[: bool(phrase.color)] == [phrase.color][: bool(phrase.color)]
    if not any(f' {ours} ' in f' {phrase.noun} ' for ours in table):
        assert said == f'{phrase.color} {phrase.noun}'.strip()


def test_answers_that_tell_more_than_was_asked():
    words = Words(['block = square'])
    phrases = parse_phrases(['block', 'blue block', 'the orange'])
    assert words.meant('red square', phrases) == Phrase('block', 'red', 'block')
    assert words.meant('blue square', phrases) == phrases[1]
    assert words.meant('orange', phrases) == phrases[2]
    assert words.meant('white orange', phrases) == Phrase('the orange', 'white', 'orange')
    for nothing in ('bowl', 'block', '', 'red'):
        assert words.meant(nothing, phrases) is None


@pytest.mark.parametrize('entries', [['block'], ['= square'], ['block ='], ['a = b', 'A = c']])
def test_entries_that_are_none(entries):
    with pytest.raises(WordsError, match='as "block = square", each word once'):
        Words(entries)


@pytest.mark.parametrize('prompt', ['', 'a photo', '{} {}'])
def test_prompts_that_are_none(prompt):
    with pytest.raises(WordsError, match=r'a prompt has one \{\}'):
        Words([], prompt)
