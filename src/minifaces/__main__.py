"""`python -m minifaces` is `minifaces`."""

import sys

from minifaces.cli.main import run

sys.exit(run())
