"""Camera images to a named scene: detect, deproject, fit, track."""
