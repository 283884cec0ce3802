"""The closed classes of English words that the grammar needs, and the way text becomes words.

Nouns and colours are an open class: they come from the scene. No ROS.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from cap_planner.models.offline.manner import MANNERS, without_more

DIRECTIONS = ('left', 'right', 'top', 'bottom')

# What a word is written as, once read. Plain spellings and inflections only; no meanings.
_SAME = {
    'centre': 'center',
    'centers': 'center',
    'colour': 'color',
    'colours': 'colors',
    'coloured': 'colored',
    'furthest': 'farthest',
    'centimeter': 'cm',
    'centimeters': 'cm',
    'centimetre': 'cm',
    'centimetres': 'cm',
    'cms': 'cm',
    'millimeters': 'mm',
    'millimetres': 'mm',
    'meter': 'm',
    'meters': 'm',
    'metre': 'm',
    'metres': 'm',
    'uppermost': 'topmost',
    'upmost': 'topmost',
    'highest': 'topmost',
    'lowermost': 'bottommost',
    'lowest': 'bottommost',
    'toward': 'towards',
    'leftward': 'leftwards',
    'rightward': 'rightwards',
    'upward': 'upwards',
    'downward': 'downwards',
    'largest': 'biggest',
    'larger': 'bigger',
    'lightest': 'brightest',
    'lighter': 'brighter',
    'sweeter': 'sweetest',
    'sourer': 'sourest',
    'nearest': 'closest',
    'mismatching': 'mismatched',
    'unmatched': 'mismatched',
    'nonmatching': 'mismatched',
    'whats': 'what is',
}
_MOST = {
    'left': 'leftmost',
    'right': 'rightmost',
    'top': 'topmost',
    'upper': 'topmost',
    'bottom': 'bottommost',
    'lower': 'bottommost',
}

ORDINALS = {
    word: index
    for index, words in enumerate(
        (
            ('first', '1st'),
            ('second', '2nd'),
            ('third', '3rd'),
            ('fourth', '4th'),
            ('fifth', '5th'),
            ('sixth', '6th'),
            ('seventh', '7th'),
            ('eighth', '8th'),
            ('ninth', '9th'),
            ('tenth', '10th'),
        )
    )
    for word in words
} | {'last': -1}

NUMBERS = {
    'one': 1,
    'two': 2,
    'three': 3,
    'four': 4,
    'five': 5,
    'six': 6,
    'seven': 7,
    'eight': 8,
    'nine': 9,
    'ten': 10,
    'eleven': 11,
    'twelve': 12,
}

EXTREMES = {'leftmost': 'left', 'rightmost': 'right', 'topmost': 'top', 'bottommost': 'bottom'}

# Words that choose one of several by what it looks or tastes like.
SUPERLATIVES = {
    'biggest': 'biggest',
    'bigger': 'biggest',
    'smallest': 'smallest',
    'smaller': 'smallest',
    'darkest': 'darkest',
    'darker': 'darkest',
    'brightest': 'brightest',
    'brighter': 'brightest',
    'sweetest': 'sweetest',
    'sourest': 'sourest',
}

# Words that mean anything on the table.
ANYTHING = frozenset({'object', 'thing', 'item', 'one', 'stuff', 'anything', 'something'})


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# Words that never are a noun or an adjective of a noun phrase, unless the scene has them.
FUNCTION_WORDS = word_set(
    """
    the a an any all both every each of this that these those which who what is are was be and or
    then to on onto in into inside within at by with from for as than except besides but above below
    over under beneath underneath beside next near between towards away out top bottom it them its
    their they itself there not non no do does did have has having how many where why when can could
    would will please now you i me my your we closest farthest put place pick stack same
    leftmost rightmost topmost bottommost other another left right up down biggest smallest middle
    center closer further around along respective respectively corresponding matching mismatched
    slightly bit little tad touch lot much far cm mm inch inches together horizontally vertically
    diagonally upwards downwards leftwards rightwards again too back forward so halfway corner side
    say move everything line row column horizontal vertical diagonal circle ring tower stack pile
    straight edge bigger smaller darker brighter darkest brightest sweetest sourest undo imagine
    pretend wait until triangle diamond pentagon hexagon heptagon octagon clockwise
    counterclockwise anticlockwise starting , . ; ? ! :
    """
) | frozenset(ORDINALS)

# Words that change nothing, wherever they stand.
NOISE = word_set(
    f'please kindly {" ".join(MANNERS)} just simply also really directly exactly neatly'
)

_TOKEN = re.compile(r'\d+(?:\.\d+)?|\d*[^\W\d]\w*|[,.;?!:]')
_UNIT = re.compile(r'(\d)\s*(cm|mm|m|centimet\w+|met(?:er|re)s?)\b')
_ORDINAL = re.compile(r'\d+(?:st|nd|rd|th)$')


def tokenize(text: str) -> list[str]:
    """Words in their plain form, numbers and punctuation."""
    text = text.lower().replace('’', "'").replace('_', ' ').replace('-', ' ')
    text = re.sub(r"n't\b", ' not', text)
    text = re.sub(r"\b(what|where|who|that|it|there)'s\b", r'\1 is', text)
    text = re.sub(r"\blet's\b", ' ', text)
    text = re.sub(r"'(s|d|m|re|ll)\b|['\"`]", ' ', text)
    text = text.replace('%', ' percent ').replace('°', ' degrees ')
    text = without_more(_UNIT.sub(r'\1 \2', text))
    words: list[str] = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        if word == 'most' and words and words[-1] in _MOST:
            words[-1] = _MOST[words[-1]]
            continue
        if word not in NOISE:
            words += _SAME.get(word, word).split()
    words = _merge(words)
    while words and words[-1] in '.?!,;:':
        words.pop()
    return words


def _merge(words: list[str]) -> list[str]:
    """'Farthest to the left' is 'leftmost'; 'farthest to the left bowl' is not."""
    merged: list[str] = []
    i = 0
    while i < len(words):
        skip = 3 if words[i + 1 : i + 3] == ['to', 'the'] else 1
        side, after = [*words[i + skip : i + skip + 2], '', ''][:2]
        ends = after in ('', 'one', 'ones', 'in', 'on', 'and', 'to', 'into', 'onto', *',.?!', 'is')
        if words[i] in ('farthest', 'most') and side in DIRECTIONS and (ends or skip == 1):
            merged.append(_MOST[side])
            i += skip + 1
        else:
            merged.append(words[i])
            i += 1
    return merged


def singulars(word: str) -> list[str]:
    """What the word could be the plural of, likeliest first; empty: it is no plural."""
    irregular = {'dice': 'die', 'knives': 'knife', 'leaves': 'leaf', 'mice': 'mouse'}
    if word in irregular:
        return [irregular[word]]
    if not word.endswith('s') or word.endswith(('ss', 'us', 'is')) or len(word) < 3:
        return []
    options = [word[:-1]]
    if word.endswith('ies'):
        options.insert(0, word[:-3] + 'y')
    elif word.endswith(('ses', 'xes', 'zes', 'ches', 'shes')):
        options.insert(0, word[:-2])
    return options


def singular(word: str, nouns: Collection[str]) -> tuple[str, bool]:
    """The singular of a noun, and whether it stood in the plural; `nouns` of the scene decide."""
    if word in nouns:
        return word, False
    options = singulars(word)
    for option in options:
        if option in nouns or option in ANYTHING:
            return option, True
    return (options[0], True) if options else (word, False)


def is_number(word: str) -> bool:
    """Whether the word is a number in digits."""
    return word[:1].isdigit() and not _ORDINAL.match(word) and word.replace('.', '', 1).isdigit()
