"""The MuJoCo cell behind the ROS interfaces of a real one."""
