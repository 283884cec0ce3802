"""Functions that prompts call and leave to be written, where the offline model knows none."""

FUNCTIONS = {
    'get_free_pos_beside': """
def get_free_pos_beside(pos, direction, distance):
    return np.array(pos) + distance * np.array(direction)
""",
    'get_direction_deg': """
def get_direction_deg(start_pos, end_pos):
    x, y = end_pos - start_pos
    return math.degrees(math.atan2(y, x))
""",
    'move_objects_to_positions': """
def move_objects_to_positions(obj_names, positions):
    for name, pos in zip(obj_names, positions):
        put_first_on_second(name, pos)
""",
    'rotate_positions_around_center': """
def rotate_positions_around_center(positions, angle_deg):
    center = np.mean(positions, axis=0)
    return list(rotate_pts(pts=np.array(positions), center=center, angle_deg=angle_deg))
""",
    'get_regular_polygon_positions': """
def get_regular_polygon_positions(center, num_points, radius):
    angles = np.pi / 2 + np.linspace(0, 2 * np.pi, num_points, endpoint=False)
    return [center + radius * np.array([np.cos(angle), np.sin(angle)]) for angle in angles]
""",
    'make_line_pts': """
def make_line_pts(center, length, angle_deg):
    angle = math.radians(angle_deg)
    half = length / 2 * np.array([math.cos(angle), math.sin(angle)])
    return np.array([center - half, center + half])
""",
    'make_regular_polygon_pts': """
def make_regular_polygon_pts(center, num_sides, side_length):
    radius = side_length / (2 * math.sin(math.pi / num_sides))
    angles = np.pi / 2 + np.linspace(0, 2 * np.pi, num_sides + 1)
    return np.array(center) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
""",
    'get_radius_around_bbox': """
def get_radius_around_bbox(bbox, margin):
    x_min, y_min, x_max, y_max = bbox
    return math.hypot(x_max - x_min, y_max - y_min) / 2 + margin
""",
    'make_circle_pts': """
def make_circle_pts(center, radius):
    return make_regular_polygon_pts(
        center=center, num_sides=60, side_length=2 * radius * math.sin(math.pi / 60)
    )
""",
    'make_rectangle_pts': """
def make_rectangle_pts(center, width, height):
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    return center + corners * np.array([width, height]) / 2
""",
    'make_spiral_pts': """
def make_spiral_pts(center, radius, num_turns):
    ts = np.linspace(0, 1, 60 * num_turns)
    angles = 2 * np.pi * num_turns * ts
    return center + radius * ts[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
""",
    'get_pts_center': """
def get_pts_center(pts):
    is_closed = len(pts) > 2 and np.allclose(pts[0], pts[-1])
    return np.mean(pts[:-1] if is_closed else pts, axis=0)
""",
    'scale_pts_around_center': """
def scale_pts_around_center(pts, scale_x, scale_y):
    center = get_pts_center(pts=pts)
    return center + (pts - center) * np.array([scale_x, scale_y])
""",
    'translate_pts': """
def translate_pts(pts, delta):
    return pts + delta
""",
    'rotate_pts': """
def rotate_pts(pts, center, angle_deg):
    angle = math.radians(angle_deg)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return center + (pts - center) @ turn.T
""",
    'rotate_pts_around_center': """
def rotate_pts_around_center(pts, angle_deg):
    return rotate_pts(pts=pts, center=get_pts_center(pts=pts), angle_deg=angle_deg)
""",
}
