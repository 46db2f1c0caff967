"""From the rendition to a channel. Knows no database, no web and no ffmpeg."""
