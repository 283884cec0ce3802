"""What every test's nodes have in common."""

import os

# Another machine of the network, perhaps one with these tests, is not to be heard, nor moved.
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ.pop('ROS_STATIC_PEERS', None)
