"""What every node needs, each thing once: errors, frames, parameters, QoS, heartbeats, action calls."""
