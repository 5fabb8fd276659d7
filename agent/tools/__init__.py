"""What the model may use beside the screen: each tool one file, each a strict function."""
