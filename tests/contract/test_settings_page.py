"""docs/settings.md says what the code reads."""

from local_stack.settings_page import PAGE, SERVICES, page


def test_the_page_is_what_the_code_generates() -> None:
    assert PAGE.read_text() == page(), "python -m local_stack.settings_page"


def test_every_variable_of_every_service_stands_on_the_page() -> None:
    text = PAGE.read_text()
    missing = [
        f"{service}: {name}"
        for service, model in SERVICES.items()
        for name in model.model_fields
        if f"| `{name.upper()}` |" not in text
    ]
    assert missing == []
