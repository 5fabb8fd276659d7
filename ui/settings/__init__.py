"""What the user wishes: by flags, the environment and the configuration file."""
