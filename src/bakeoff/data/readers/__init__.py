"""How files, frames and arrays become a `Dataset`: one reader a form of data, shared parts beside them."""
