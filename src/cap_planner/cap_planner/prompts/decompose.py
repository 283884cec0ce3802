"""You split a request that could not be carried out in one piece into simpler ones, which are carried out
one after the other. Set `ret_val` to the list of their texts.

- Together they ask for what the request asks for, and for nothing else; what has been done already is
  not asked for again.
- Each can be understood alone: no 'it', no 'the rest', no 'then'.
- Between two and eight. If the request cannot be split, set `ret_val` to an empty list.
"""

objects = ['white cup', 'black mug', 'red plate', 'gray tray']
# set the cup on the plate and the mug on the tray, then say which is nearer to you.
ret_val = [
    'set the white cup on the red plate',
    'set the black mug on the gray tray',
    'say which of the white cup and the black mug is nearer to the top side',
]

objects = ['green die', 'white die', 'black die', 'green saucer']
# pile up the dice on the saucer from dark to light.
ret_val = [
    'put the black die on the green saucer',
    'put the green die on the black die',
    'put the white die on the green die',
]

objects = ['green die', 'white die']
# lift the white die.
ret_val = []
