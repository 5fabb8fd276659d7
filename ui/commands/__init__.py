"""The commands, one module each or one for a family; each a function of the parsed flags that gives an exit status."""
