from reunite.repositories.postgresql.repository import PostgresqlRepository, open_postgresql

__all__ = ["PostgresqlRepository", "open_postgresql"]
