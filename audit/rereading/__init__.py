"""The whole log read again from the database, quickly or row by row, to say that all is well or what is wrong and where."""
