"""`python -m vzero STAGE` is `vzero STAGE`."""

from vzero.cli import main

main()
