"""tus 1.0.0 at `/tus/`: resumable uploads for browsers and for any client that speaks the standard."""
