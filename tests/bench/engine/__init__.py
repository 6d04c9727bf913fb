"""Speed of the engine: how near the model's own speed a backlog of billed jobs is worked off."""
