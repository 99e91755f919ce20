"""What the auditor is told by its environment: where to read. Read-only roles will do."""

from pydantic import Field, SecretStr

from campaign_service.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """Environment variables of the same names, upper-case. `database_dsn` is campaign-command's."""

    calls_dsn: SecretStr = Field(min_length=1, description="The dialer's database, for its call history")
