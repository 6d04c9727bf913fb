"""How long things are kept, what may not be deleted, and the certificate of what was."""
