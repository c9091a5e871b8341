"""How much the holder of one API key may ask of this process."""
