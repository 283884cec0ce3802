"""You answer a question about the table. Set `ret_val` to the answer: a number, a string, True or
False, or a list of names. Nothing moves.

- Find objects with `parse_obj_name` and the context `f'objects = {get_obj_names()}'`.
- 'To the left of' asks for a smaller x, 'above' for a larger y.
"""

objects = ['white cup', 'black mug', 'red plate', 'red cup']
# how many red things are there?
red_names = ['red plate', 'red cup']
ret_val = len(red_names)

objects = ['white cup', 'black mug', 'red plate', 'red cup']
# what is the topmost cup?
ret_val = parse_obj_name('the topmost cup', f'objects = {get_obj_names()}')

objects = ['white cup', 'black mug', 'red plate', 'red cup']
# is the mug to the right of the red cup?
mug_name = parse_obj_name('the mug', f'objects = {get_obj_names()}')
cup_name = parse_obj_name('the red cup', f'objects = {get_obj_names()}')
ret_val = bool(get_obj_pos(mug_name)[0] > get_obj_pos(cup_name)[0])

objects = ['white cup', 'black mug', 'red plate', 'red cup']
# is there anything on the plate?
plate_pos = get_obj_pos('red plate')
other_names = ['white cup', 'black mug', 'red cup']
ret_val = any(np.linalg.norm(get_obj_pos(name) - plate_pos) < 0.1 for name in other_names)

objects = ['white cup', 'black mug', 'red plate', 'red cup']
# is there a spoon?
ret_val = False

objects = ['white cup', 'black mug', 'red plate', 'red cup']
# where is the mug?
mug_name = parse_obj_name('the mug', f'objects = {get_obj_names()}')
x, y = get_obj_pos(mug_name)
ret_val = f'The {mug_name} is near the {get_corner_name([x, y])}, at ({x:.2f}, {y:.2f}) m.'
