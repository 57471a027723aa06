"""Source x target: every stored network converted to every target, measured, and put into docs/conversions.md.

python -m tests.cells            measure all of it with live peers, write the record and the page
python -m tests.cells --check    measure, and fail if the record says something else
python -m tests.cells --page     write the page from the record
python -m tests.cells --store    build the stored networks again, where their frameworks live

Names of sources behind it (``lava-dl netx``) take these alone; the rest of the record stays.
"""
