"""What a process is told: by variables, by files of their names, and in words when something is missing or wrong."""

from pathlib import Path

import pytest

from campaign_service.settings import DatabaseSettings, load_settings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which nothing is set."""
    for name in DatabaseSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("SECRETS_DIR", raising=False)


def test_a_secret_may_be_a_file_and_a_variable_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "database_dsn").write_text("postgresql://from-a-file\n")
    (tmp_path / "kafka_bootstrap").write_text("from-a-file:9092")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "from-a-variable:9092")
    settings = load_settings(DatabaseSettings)
    assert settings.database_dsn.get_secret_value() == "postgresql://from-a-file"
    assert settings.kafka_bootstrap == "from-a-variable:9092"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ["error: DATABASE_DSN: Field required", "error: KAFKA_BOOTSTRAP: Field required"]),
        ({"SECRETS_DIR": "/nowhere/at/all"}, ["error: SECRETS_DIR: there is no folder /nowhere/at/all"]),
        (
            {"DATABASE_DSN": "x", "KAFKA_BOOTSTRAP": "y", "KAFKA_SECURITY": "sasl_ssl", "KAFKA_USERNAME": "ada"},
            ["error: KAFKA_USERNAME and KAFKA_PASSWORD are needed with sasl_plaintext and sasl_ssl"],
        ),
        (
            {"DATABASE_DSN": "x", "KAFKA_BOOTSTRAP": "y", "KAFKA_KEY_FILE": __file__},
            ["error: KAFKA_CERTIFICATE_FILE and KAFKA_KEY_FILE go together"],
        ),
    ],
    ids=["nothing", "no folder", "no password", "half a certificate"],
)
def test_what_is_missing_or_wrong_is_said_a_line_each(
    given: dict[str, str], said: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as left:
        load_settings(DatabaseSettings)
    assert left.value.code == 2
    assert capsys.readouterr().err.splitlines() == said


def test_an_error_never_shows_a_value(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATABASE_DSN", "postgresql://user:hidden@host/db")
    monkeypatch.setenv("KAFKA_SECURITY", "hidden")
    with pytest.raises(SystemExit):
        load_settings(DatabaseSettings)
    assert "hidden" not in capsys.readouterr().err
