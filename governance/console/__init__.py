"""The DPO's console: the admin site with a Today page, the explanation of a decision and the verification of the log.

It owns no tables and no rules: it composes what the packages offer. Lists and forms of a package are in that package's `admin.py`.
"""
