"""Launch files, configuration, the node list and the cap command line."""
