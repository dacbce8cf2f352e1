"""What messages say: templates with declared slots, in each language, fixed once published.

Owns: templates and their versions. What must stay true:

- A published version never changes (append-only); a message sent years ago can be shown as it was.
- A template holds no personal data: detection reads every text at publication, and a finding refuses it. A person's name enters only
  at the moment of hand-over, through a slot, from the vault.
- A template is text with slots and nothing else. Jinja2 parses it, but no expression, filter, loop or attribute is accepted, so
  nothing in a template runs, and a message is its fixed pieces with values between them.
- Every message says how to withdraw (Art. 7(3)): a template without the slot for that link is not published.
"""
