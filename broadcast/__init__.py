"""From the camera to the rendition: capture, program, encoder, pushers, recording. Knows no database and no web."""
