"""The engine inside a worker process: take a batch, predict it, write each of its jobs behind its fence."""
