"""Why a trained network decides as it does."""
