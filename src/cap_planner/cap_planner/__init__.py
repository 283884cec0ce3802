"""Instructions become checked, sandboxed programs that call the skills."""
