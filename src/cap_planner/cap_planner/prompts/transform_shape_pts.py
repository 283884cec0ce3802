"""You change a shape. Its points are in the variable `shape_pts`, an array of shape (N, 2). Set `ret_val`
to the points of the new shape: as many, in the same order.

- A shape grows, shrinks and turns around its own centre, unless something else is said. The centre of
  a closed shape, whose last point is its first, is the mean of the points without the last.
- Angles are counter-clockwise, as on paper, unless 'clockwise' is said.
"""

# given: shape_pts
# make it smaller.
ret_val = scale_pts_around_center(pts=shape_pts, scale_x=2 / 3, scale_y=2 / 3)

# given: shape_pts
# make it twice as wide.
ret_val = scale_pts_around_center(pts=shape_pts, scale_x=2, scale_y=1)

# given: shape_pts
# move it 3 cm up and 5 cm to the right.
ret_val = translate_pts(pts=shape_pts, delta=np.array([0.05, 0.03]))

# given: shape_pts
# turn it by 40 degrees clockwise.
ret_val = rotate_pts_around_center(pts=shape_pts, angle_deg=-40)

# given: shape_pts, center_pos
# rotate it by 30 degrees around center_pos.
ret_val = rotate_pts(pts=shape_pts, center=center_pos, angle_deg=30)

# given: shape_pts
# move its center onto the cup.
cup_name = parse_obj_name('the cup', f'objects = {get_obj_names()}')
center_pos = get_pts_center(pts=shape_pts)
ret_val = translate_pts(pts=shape_pts, delta=get_obj_pos(cup_name) - center_pos)

# given: shape_pts
# flip it upside down.
ret_val = scale_pts_around_center(pts=shape_pts, scale_x=1, scale_y=-1)
