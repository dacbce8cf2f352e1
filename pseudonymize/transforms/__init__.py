"""Columns in, columns out: keyed tokens, encryption, generalisation and masking over Arrow arrays.

What must stay true:

* nothing here imports Django, the ORM or another package of ours, so that a Spark executor runs it alone;
* every transform is a pure function of its arguments, nulls stay null, and the order of rows is kept;
* work is done per distinct value and in blocks over thousands of rows; there is no Python loop per row on a hot path
  (the exceptions, very long values and very wide FF1 numerals, say so where they are);
* an error names the row and never the value.
"""
