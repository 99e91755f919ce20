"""The variables of a prompt: `{first_name}` is something that each contact must have before the campaign starts.

| in the prompt          | it is                                                                     |
|------------------------|---------------------------------------------------------------------------|
| `{first_name}`         | a detail of the contact: `number` or one of its named details             |
| `{Order No}`, `{plan}` | a variable of the contact (a column of its file), under its own name      |
| `{{plan}}`             | these words, with single braces: no variable                              |
| `{"plan": 1}`, `{}`    | text: a name begins with a letter or `_`, then letters, digits, ` _.-`    |

What must stay true: a detail's name never means a variable, so no column of a file takes its place.
The prompt and the values go to the agent side by side: what a contact's file says never becomes an instruction here.
"""

import re

MAX_VARIABLES = 64
"""Different variables of one prompt: as many as a contact can have."""

_VARIABLE = re.compile(r"(?<!\{)\{([^\W\d][\w .-]{0,99})\}(?!\})")


def variables_of(prompt: str) -> tuple[str, ...]:
    """The names a prompt uses, each once, in their order."""
    return tuple(dict.fromkeys(name.strip() for name in _VARIABLE.findall(prompt)))
