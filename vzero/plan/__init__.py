"""What a step costs and holds at real sizes, told from params and config files: nothing is downloaded."""
