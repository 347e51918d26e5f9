"""``python -m tooinstance_jupyter`` is ``tooi``."""

import sys

from .cli import main

sys.exit(main())
