"""The families that a comparison enters by default; each has one dial, its width."""
