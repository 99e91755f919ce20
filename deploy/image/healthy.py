"""Asks the service of this container how it is (`/livez` or `/readyz`); the exit code is the answer."""

import os
import sys
import urllib.error
import urllib.request

try:
    url = f"http://127.0.0.1:{os.environ['HTTP_PORT']}{sys.argv[1]}"
    with urllib.request.urlopen(url, timeout=4) as answer:
        print(answer.read().decode())
except urllib.error.HTTPError as error:
    sys.exit(f"{error.code}: {error.read().decode()}")
except OSError as error:
    sys.exit(f"no answer: {error}")
