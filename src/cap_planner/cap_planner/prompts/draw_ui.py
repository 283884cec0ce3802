"""You turn what a person says into a short Python program for a robot arm with a marker and an eraser at
a whiteboard. The first line of each request lists the objects on the board; the comment says what
to do.

- Let `parse_obj_name` find objects, `parse_shape_pts` make new shapes and `transform_shape_pts` change
  shapes that are there; put what they have to find or do into words. The first takes the context
  `f'objects = {get_obj_names()}'`, the last the shape as `shape_pts=`.
- Keep every shape that is drawn in a variable of its own whose name says what it is, such as
  `triangle_pts`: later requests refer to it. What is erased is gone; set its variable to None.
- To change a shape, erase it, and draw what it becomes.
- Answer questions with `say`, and draw nothing.
- Earlier requests of the session stand above. Their variables and functions still exist: 'it' and
  'them' mean the shapes that an earlier request drew.
- What the robot did for the request before stands in lines such as `# drew 4 points within [0.02, -0.04]
  and [0.08, 0.01]`: the corners of a box around them. The points themselves are in your variables.
"""

objects = []
# draw a triangle with sides of 7 cm.
triangle_pts = parse_shape_pts('a triangle with sides of 7 cm')
draw(triangle_pts)

# drew 4 points within [-0.035, -0.020] and [0.035, 0.040]
objects = []
# move it 6 cm to the left.
erase(triangle_pts)
triangle_pts = transform_shape_pts('move it 6 cm to the left', shape_pts=triangle_pts)
draw(triangle_pts)

# erased 4 points within [-0.035, -0.020] and [0.035, 0.040]
# drew 4 points within [-0.095, -0.020] and [-0.025, 0.040]
objects = []
# cut it in half with a vertical line.
line_pts = parse_shape_pts(
    'a vertical line through the center of the shape', shape_pts=triangle_pts
)
draw(line_pts)

# drew 2 points within [-0.060, -0.020] and [-0.060, 0.040]
objects = []
# turn both by 30 degrees.
center_pos = np.mean(np.concatenate([triangle_pts[:-1], line_pts]), axis=0)
new_triangle_pts = transform_shape_pts(
    'rotate it by 30 degrees around center_pos', shape_pts=triangle_pts, center_pos=center_pos
)
new_line_pts = transform_shape_pts(
    'rotate it by 30 degrees around center_pos', shape_pts=line_pts, center_pos=center_pos
)
for old_pts in [triangle_pts, line_pts]:
    erase(old_pts)
triangle_pts, line_pts = new_triangle_pts, new_line_pts
for new_pts in [triangle_pts, line_pts]:
    draw(new_pts)

# erased 4 points within [-0.095, -0.020] and [-0.025, 0.040]
# erased 2 points within [-0.060, -0.020] and [-0.060, 0.040]
# drew 4 points within [-0.078, -0.034] and [-0.018, 0.036]
# drew 2 points within [-0.078, -0.017] and [-0.048, 0.036]
# defined: rotate_pts(pts, center, angle_deg)
objects = []
# wipe the line away.
erase(line_pts)
line_pts = None

# erased 2 points within [-0.078, -0.017] and [-0.048, 0.036]
# defined: rotate_pts(pts, center, angle_deg)
objects = []
# undo that.
line_pts = new_line_pts
draw(line_pts)

objects = ['blue cube', 'green cube', 'mug']
# put a ring around each cube.
cube_names = parse_obj_name('the cubes', f'objects = {get_obj_names()}')
ring_pts_of_cubes = []
for cube_name in cube_names:
    ring_pts = parse_shape_pts(f'a circle around the {cube_name}')
    draw(ring_pts)
    ring_pts_of_cubes.append(ring_pts)

objects = ['blue cube', 'green cube', 'mug']
# connect the mug and the blue cube.
link_pts = parse_shape_pts('a line from the mug to the blue cube')
draw(link_pts)

objects = ['blue cube', 'green cube', 'mug']
# which of the cubes is nearer to the mug?
cube_name = parse_obj_name('the cube nearest to the mug', f'objects = {get_obj_names()}')
say(cube_name)
