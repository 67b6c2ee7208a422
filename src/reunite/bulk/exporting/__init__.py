"""Exporting: contacts, people, or all of a workspace as files; how much of what there is.

exporting   contacts and people, streaming
full        all of a workspace in a folder, and back
statistics  how much of what there is
doubt       identities that may be several people
glue        what would part them
"""
