"""You turn what a person says into a short Python program for a robot arm with a suction gripper at a
table. The first line of each request lists the objects on the table; the comment says what to do.

- Let `parse_obj_name` find objects, `parse_position` find positions and `parse_question` find
  answers; put what they have to find into words. The first and the last take the context
  `f'objects = {get_obj_names()}'`; `parse_position` looks for itself.
- A name that the objects line has can be used as it is. Ask again for a name that depends on positions
  after something has moved; ask for positions just before they are used.
- Answer questions with `say`, and move nothing. A question about what was done means the latest request
  that moved something, unless its words point to another.
- When the person only tells you something, keep it in a variable, and say that you did.
- Earlier requests of the session stand above. Their variables and functions still exist: 'it' and
  'them' mean what an earlier line moved.
- What the robot did for the request before stands in lines such as `# moved 'mug' from [0.10, -0.50] to
  [0.05, -0.30]`. To undo it, put everything back, the last move first. To repeat it, find out from
  them by how much, or to where, things were moved.
- A shape that objects form is where they are now: ask for their positions and compute the new ones.
"""

objects = ['white cup', 'black mug', 'red plate']
# set the mug down on the plate.
mug_name = parse_obj_name('the mug', f'objects = {get_obj_names()}')
plate_name = parse_obj_name('the plate', f'objects = {get_obj_names()}')
put_first_on_second(mug_name, plate_name)

# moved 'black mug' from [0.200, -0.350] to [0.100, -0.500] on 'red plate'
objects = ['white cup', 'black mug', 'red plate']
# now shift it 3 cm toward the top.
target_pos = parse_position(f'the point 3 cm above the {mug_name}')
put_first_on_second(mug_name, target_pos)

# moved 'black mug' from [0.100, -0.500] to [0.100, -0.470]
objects = ['white cup', 'black mug', 'red plate']
# why did you move the mug?
say('Because you asked me to shift it 3 cm toward the top.')

objects = ['white cup', 'black mug', 'red plate']
# likewise with the cup.
cup_name = parse_obj_name('the cup', f'objects = {get_obj_names()}')
target_pos = parse_position(f'the point 3 cm above the {cup_name}')
put_first_on_second(cup_name, target_pos)

# moved 'white cup' from [-0.100, -0.500] to [-0.100, -0.470]
objects = ['white cup', 'black mug', 'red plate']
# take that back.
put_first_on_second('white cup', [-0.1, -0.5])

objects = ['white cup', 'black mug', 'red plate']
# softly place the cup on the right side.
cup_name = parse_obj_name('the cup', f'objects = {get_obj_names()}')
put_first_on_second(cup_name, 'right side', speed=0.3, force=8)

# moved 'white cup' from [-0.100, -0.500] to [0.250, -0.500]
objects = ['white cup', 'black mug', 'red plate']
# grab the mug.
mug_name = parse_obj_name('the mug', f'objects = {get_obj_names()}')
pick_up(mug_name)

# picked up 'black mug' from [0.200, -0.350]
objects = ['white cup', 'black mug', 'red plate']
# drop it on the plate.
plate_name = parse_obj_name('the plate', f'objects = {get_obj_names()}')
put_first_on_second(mug_name, plate_name)

objects = ['green die', 'white die', 'black die', 'green saucer', 'black saucer']
# every die belongs on the saucer of its own color.
die_names = parse_obj_name('the dice', f'objects = {get_obj_names()}')
for die_name in die_names:
    try:
        saucer_name = parse_obj_name(
            f'the saucer with the same color as the {die_name}', f'objects = {get_obj_names()}'
        )
    except ObjectNotFoundError:
        say(f'There is no saucer for the {die_name}.')
        continue
    put_first_on_second(die_name, saucer_name)

objects = ['green die', 'white die', 'black die', 'green saucer', 'black saucer']
# make a tower of the dice.
die_names = parse_obj_name('the dice', f'objects = {get_obj_names()}')
stack_objects_in_order(object_names=die_names)

objects = ['red brick', 'blue brick', 'gray tray']
# gather the bricks at the right edge.
brick_names = parse_obj_name('the bricks', f'objects = {get_obj_names()}')
side_pos = parse_position('the right side')
for brick_name in brick_names:
    put_first_on_second(brick_name, side_pos)

objects = ['red brick', 'blue brick', 'gray tray', 'white tray']
# take the brick closest to the white tray and set it a little to the left of the gray one.
brick_name = parse_obj_name('the brick closest to the white tray', f'objects = {get_obj_names()}')
target_pos = parse_position('a little to the left of the gray tray')
put_first_on_second(brick_name, target_pos)

objects = ['red brick', 'blue brick', 'white brick', 'gray tray']
# lay the bricks out in a column.
brick_names = parse_obj_name('the bricks', f'objects = {get_obj_names()}')
line_positions = parse_position(f'a vertical line with {len(brick_names)} points')
for brick_name, line_pos in zip(brick_names, line_positions):
    put_first_on_second(brick_name, line_pos)

objects = ['red brick', 'blue brick', 'gray tray']
# is the red brick in the tray?
is_in_tray = parse_question('is the red brick in the tray?', f'objects = {get_obj_names()}')
say('Yes.' if is_in_tray else 'No.')

objects = ['red brick', 'blue brick', 'gray tray']
# how many bricks can you see?
number = parse_question('how many bricks can you see?', f'objects = {get_obj_names()}')
say(f'{number}')

objects = ['red brick', 'blue brick', 'white brick', 'gray tray']
# form a triangle with the bricks in the middle.
brick_names = parse_obj_name('the bricks', f'objects = {get_obj_names()}')
triangle_positions = parse_position(f'the {len(brick_names)} corners of a triangle in the middle')
move_objects_to_positions(obj_names=brick_names, positions=triangle_positions)

# moved 'red brick' from [-0.200, -0.300] to [0.000, -0.380]
# moved 'blue brick' from [0.000, -0.300] to [-0.104, -0.560]
# moved 'white brick' from [0.200, -0.300] to [0.104, -0.560]
# defined: get_regular_polygon_positions(center, num_points, radius), move_objects_to_positions(obj_names, positions)
objects = ['red brick', 'blue brick', 'white brick', 'gray tray']
# turn the triangle by 60 degrees.
brick_positions = [get_obj_pos(name) for name in brick_names]
new_positions = rotate_positions_around_center(positions=brick_positions, angle_deg=60)
move_objects_to_positions(obj_names=brick_names, positions=new_positions)

objects = ['red brick', 'blue brick', 'gray tray']
# when a mug comes, set it on the tray.
while not is_obj_visible('mug'):
    pass
put_first_on_second('mug', 'gray tray')

objects = ['red brick', 'blue brick', 'gray tray']
# can you paint the bricks?
say('No. I can only pick things up, put them down, and tell what I see.')
