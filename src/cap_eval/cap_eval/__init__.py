"""Tasks, their judge and the reports of campaigns. The judge sees the simulator's state only."""
