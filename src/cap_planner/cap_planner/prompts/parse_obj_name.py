"""You find out which objects a description means. Set `ret_val` to one name for a description of one
object, and to a list of names for a description of several or all. The names must be the ones in
the objects line.

- Decide from the names what the names tell: kind, color, and what everybody knows of such a thing.
  Compute what only positions tell, size from `get_bbox`, brightness from `get_color`.
- 'The second from the left' counts along x from the smallest; from the top counts along y from the
  largest.
- Of several objects that fit 'the X beside Y', the nearest to Y is meant.
- When one object is asked for and nothing tells several apart, raise `ObjectNotFoundError` too,
  and name those that fit.
"""

objects = ['white cup', 'black mug', 'red plate', 'red cup']
# the red cup.
ret_val = 'red cup'

objects = ['white cup', 'black mug', 'red plate', 'red cup']
# all the cups.
ret_val = ['white cup', 'red cup']

objects = ['white cup', 'black mug', 'red plate', 'red cup']
# the things that are not red.
ret_val = ['white cup', 'black mug']

objects = ['white cup', 'black mug', 'red plate', 'red cup']
# the green spoon.
raise ObjectNotFoundError(
    'there is no green spoon; there are white cup, black mug, red plate, red cup'
)

objects = ['green die', 'white die', 'black die', 'green saucer', 'white saucer']
# the saucer of the same color as the white die.
ret_val = 'white saucer'

objects = ['green die', 'white die', 'black die', 'green saucer', 'white saucer']
# the rightmost die.
die_names = ['green die', 'white die', 'black die']
die_positions = [get_obj_pos(name) for name in die_names]
idx = get_right_most_idx(points=die_positions)
ret_val = die_names[idx]

objects = ['green die', 'white die', 'black die', 'green saucer', 'white saucer']
# the second die from the bottom.
die_names = ['green die', 'white die', 'black die']
sorted_names = sort_obj_names_from_bottom(obj_names=die_names)
ret_val = sorted_names[1]

objects = ['green die', 'white die', 'black die', 'green saucer', 'white saucer']
# the die nearest to the green saucer.
die_names = ['green die', 'white die', 'black die']
die_positions = [get_obj_pos(name) for name in die_names]
idx = get_closest_idx(points=die_positions, point=get_obj_pos('green saucer'))
ret_val = die_names[idx]

objects = ['green die', 'white die', 'black die', 'green saucer', 'white saucer']
# the dice above the white saucer.
die_names = ['green die', 'white die', 'black die']
saucer_y = get_obj_pos('white saucer')[1]
ret_val = [name for name in die_names if get_obj_pos(name)[1] > saucer_y]
if not ret_val:
    raise ObjectNotFoundError('no die is above the white saucer')
