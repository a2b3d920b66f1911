"""The command line: one file a command group, thin. Heavy imports happen inside the commands."""
