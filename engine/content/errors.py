"""What publishing a template can refuse."""

from governance.kernel.errors import InvalidInput, NotFound, NotPermitted


class TemplateInvalid(InvalidInput):
    """Not a template: a broken tag, something other than a slot, an undeclared slot, no way to withdraw."""

    code = "template_invalid"
    title = "The template is not valid"


class PersonalDataInTemplate(NotPermitted):
    """The text holds what looks like somebody's data; `findings` says of which kind and where, never what."""

    code = "personal_data_in_template"
    title = "The template holds personal data"


class TemplateUnknown(NotFound):
    """No such template, version or language."""

    code = "template_unknown"
    title = "No such template"


class SlotMissing(InvalidInput):
    """A slot has no value."""

    code = "slot_missing"
    title = "A slot has no value"
