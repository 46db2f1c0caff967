"""The tests: real databases, real sockets, a real browser, a real ffmpeg."""
