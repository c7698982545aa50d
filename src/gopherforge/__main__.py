"""Runs the command line as `python -m gopherforge`."""

import sys

from gopherforge.cli import main

sys.exit(main())
