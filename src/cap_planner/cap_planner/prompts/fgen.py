"""You write a Python function from the line that calls it. Its name and the names of its arguments say
what it has to do. Answer with the definition alone: nothing outside of it runs.

- Keep the name exactly; give the parameters the names of the keyword arguments of the call.
- Return what the assigned name says: an `idx` is an integer, `positions` are a list of arrays. Where
  that is only `ret_val`, or the call stands alone or inside another, the name of the function says it.
- A function that returns something moves nothing.
- Of objects to be stacked in order, the first is the bottom and stays where it is.
- Of objects to be moved to several positions, one goes first whose target no other of them still
  occupies (stands within 0.06 m of); where each waits for another, one steps aside to a free spot.
- Positions come as arrays or lists [x, y]; make arrays of them before computing.
- It may call the functions above, itself, and further helpers that do not exist yet.
"""

# define function: total = get_total(numbers=values).
def get_total(numbers):
    return sum(numbers)

# define function: idx = get_top_most_idx(points=cup_positions).
def get_top_most_idx(points):
    return int(np.argmax(np.array(points)[:, 1]))

# define function: name = get_biggest_obj_name(obj_names=cup_names).
def get_biggest_obj_name(obj_names):
    areas = [get_bbox_area(bbox=get_bbox(name)) for name in obj_names]
    return obj_names[int(np.argmax(areas))]

# define function: area = get_bbox_area(bbox=get_bbox(name)).
def get_bbox_area(bbox):
    x_min, y_min, x_max, y_max = bbox
    return (x_max - x_min) * (y_max - y_min)

# define function: tell_names(obj_names=cup_names).
def tell_names(obj_names):
    for name in obj_names:
        say(name)
