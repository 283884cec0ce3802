"""You make the points of a shape from its description. Set `ret_val` to an array of shape (N, 2), in the
order in which the marker follows them; a closed shape ends with its first point.

- Find objects with `parse_obj_name` and the context `f'objects = {get_obj_names()}'`.
- A shape that the description refers to is in the variable that it names, or in `shape_pts`; the line
  `# given: ...` lists what there is.
- Curves need a point at least every centimetre; straight sides need only their ends.
"""

# a horizontal line of 20 cm in the middle.
ret_val = make_line_pts(center=denormalize_xy([0.5, 0.5]), length=0.2, angle_deg=0)

# a line from the top left to the bottom right.
ret_val = np.array([denormalize_xy([0.2, 0.8]), denormalize_xy([0.8, 0.2])])

# a 6 cm pentagon 10 cm to the right of the middle.
center_pos = denormalize_xy([0.5, 0.5]) + np.array([0.1, 0])
ret_val = make_regular_polygon_pts(center=center_pos, num_sides=5, side_length=0.06)

# a circle around the mug.
mug_name = parse_obj_name('the mug', f'objects = {get_obj_names()}')
radius = get_radius_around_bbox(bbox=get_bbox(mug_name), margin=0.02)
ret_val = make_circle_pts(center=get_obj_pos(mug_name), radius=radius)

# a square around the cup.
cup_name = parse_obj_name('the cup', f'objects = {get_obj_names()}')
x_min, y_min, x_max, y_max = get_bbox(cup_name)
side = max(x_max - x_min, y_max - y_min) + 0.04
ret_val = make_rectangle_pts(center=get_obj_pos(cup_name), width=side, height=side)

# a line from the mug to the cup.
import shapely
mug_name = parse_obj_name('the mug', f'objects = {get_obj_names()}')
cup_name = parse_obj_name('the cup', f'objects = {get_obj_names()}')
line = shapely.LineString([get_obj_pos(mug_name), get_obj_pos(cup_name)])
boxes = shapely.union(shapely.box(*get_bbox(mug_name)), shapely.box(*get_bbox(cup_name)))
ret_val = np.array(line.difference(boxes).coords)

# given: shape_pts
# a vertical line through the center of the shape.
center_x = np.mean(shape_pts[:-1, 0])
y_min, y_max = np.min(shape_pts[:, 1]), np.max(shape_pts[:, 1])
ret_val = np.array([[center_x, y_min], [center_x, y_max]])

# a spiral with 3 turns in the bottom left.
ret_val = make_spiral_pts(center=denormalize_xy([0.2, 0.2]), radius=0.06, num_turns=3)

# given: line_pts
# a small triangle that stands on the line line_pts.
middle_pos = np.mean(line_pts, axis=0)
width, height = 0.06, 0.05
ret_val = np.array(
    [
        middle_pos + np.array([-width / 2, 0]),
        middle_pos + np.array([0, height]),
        middle_pos + np.array([width / 2, 0]),
        middle_pos + np.array([-width / 2, 0]),
    ]
)
