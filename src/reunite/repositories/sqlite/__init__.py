from reunite.repositories.sqlite.repository import SqliteRepository

__all__ = ["SqliteRepository"]
