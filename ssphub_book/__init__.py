"""The small package around Jupyter Book: read, check, execute, test and publish the chapters."""
