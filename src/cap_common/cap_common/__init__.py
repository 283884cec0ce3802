"""What every node needs, each once: errors, frames, parameters, QoS, heartbeats, action calls."""
