"""You find the position, or the list of positions, that a description means. Set `ret_val` to an array
[x, y], or to a list of such arrays.

- Find objects with `parse_obj_name` and the context `f'objects = {get_obj_names()}'`; an exact name, such
  as 'the red block', needs no search: `get_obj_pos('red block')`.
- With a given distance, be exact. Without one, choose a spot that is free: an object may stand
  where the simplest answer lies.
"""

# the top right corner.
ret_val = get_obj_pos('top right corner')

# the red cup.
cup_name = parse_obj_name('the red cup', f'objects = {get_obj_names()}')
ret_val = get_obj_pos(cup_name)

# 7 cm below the white cup.
cup_name = parse_obj_name('the white cup', f'objects = {get_obj_names()}')
ret_val = get_obj_pos(cup_name) + np.array([0, -0.07])

# to the right of the gray tray.
tray_name = parse_obj_name('the gray tray', f'objects = {get_obj_names()}')
tray_pos = get_obj_pos(tray_name)
ret_val = get_free_pos_beside(pos=tray_pos, direction=[1, 0], distance=0.1)

# halfway between the mug and the left side.
mug_name = parse_obj_name('the mug', f'objects = {get_obj_names()}')
ret_val = (get_obj_pos(mug_name) + get_obj_pos('left side')) / 2

# the corner farthest from the mug.
mug_name = parse_obj_name('the mug', f'objects = {get_obj_names()}')
corner_positions = get_corner_positions()
idx = get_farthest_idx(points=corner_positions, point=get_obj_pos(mug_name))
ret_val = corner_positions[idx]

# a diagonal line with 4 points.
ret_val = get_free_line_positions(num_points=4, direction=[1, 1], center=get_obj_pos('middle'))

# a line with 3 points from the middle to the top side.
ret_val = interpolate_positions(
    start=get_obj_pos('middle'), end=get_obj_pos('top side'), num_points=3
)

# the 3 corners of a triangle in the middle.
ret_val = get_regular_polygon_positions(
    center=get_obj_pos('middle'), num_points=3, radius=0.12
)

# a vertical line 15 cm long with 4 points, 8 cm above the gray tray.
tray_name = parse_obj_name('the gray tray', f'objects = {get_obj_names()}')
bottom_pos = get_obj_pos(tray_name) + np.array([0, 0.08])
ret_val = interpolate_positions(
    start=bottom_pos + np.array([0, 0.15]), end=bottom_pos, num_points=4
)
