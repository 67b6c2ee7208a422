"""The main job on input that others made: see README.md."""
