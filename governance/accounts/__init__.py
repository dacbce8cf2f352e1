"""Who works here: staff and their roles, service clients and their keys, and the one way in.

Owns: the custom user (login by e-mail), the four roles (DPO, engineer, marketer, auditor), service clients with their keys and scopes,
the login pages (django-allauth: password, TOTP, lock-out on guessing).

What must stay true:

- A role grants exactly what `roles.RULES` and the packages' own `roles.allow()` say; every migration puts it back to that.
- The auditor reads everywhere and changes nothing.
- A service client's key is shown once. What is stored is a keyed digest of it, so that neither a copy of the database nor a row
  written straight into it lets anybody in.
- A key that is unknown, forged, expired or revoked gets one and the same answer.
- After five wrong passwords for an account the sixth try is refused, even with the right one, whichever process answers.
- Logins, failed logins, and the issue, use and revocation of keys leave entries in the log.

Staff are not data subjects here. A staff account's e-mail address and display name are personal data of an employee, processed by the
controller to run the service (Art. 6(1)(b) or (f)), and held in plain text in `accounts_user`; they are not reached by the registry of
personal-data sources, which answers for the people whose data the service governs. A member of staff who leaves is dismissed with
`staff.dismiss`, which empties the name and the address. In the log a member of staff is an opaque id.
"""
