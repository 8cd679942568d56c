"""R networks of one architecture evaluated as one: the module, and a rule a kind of layer."""
