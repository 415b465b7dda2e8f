"""Days and nights replayed or sampled, driven by the same policy code as the desk."""
