"""Skills: what the arm can do, as action servers over a motion planner and a robot."""
