"""The engine inside a worker process: claim a batch, run it, write each job back behind its fence."""
