"""Fields of the public forms: parse and say what is wrong, nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.kernel import clock
from governance.privacy_center.words import REQUEST_TYPES

AGE_UNANSWERED = _("Please say whether you are old enough to answer for yourself.")
TOO_YOUNG = _("Below that age a parent or guardian answers for you, on a page of our privacy centre.")


class _Plain(forms.Form):
    """Marks wrong fields for assistive technology and leaves the looks to the templates."""

    use_required_attribute = False  # the server says what is missing, in the language of the page
    label_suffix = ""


class EmailForm(_Plain):
    """An e-mail address to write to."""

    email = forms.EmailField(
        label=_("Your e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "required": _("Please give your e-mail address."),
            "invalid": _("This does not look like an e-mail address: name@example.com."),
        },
    )


class OfAgeForm(EmailForm):
    """Of a website's form that asks how old people are: whether they are old enough to answer for themselves (Art. 8(1))."""

    of_age = forms.ChoiceField(
        choices=[("yes", _("Yes")), ("no", _("No"))],
        required=False,
        widget=forms.RadioSelect,
    )
    field_order = ("of_age", "email")

    def __init__(self, *args: Any, age: int, wanted: bool, **kwargs: Any) -> None:
        """`wanted`: there is a yes among the answers, which a child cannot give."""
        super().__init__(*args, **kwargs)
        self.age, self.wanted = age, wanted
        self.fields["of_age"].label = _("Are you %(age)s or older?") % {"age": age}

    def clean_of_age(self) -> str:
        """A no to everything has no age."""
        said: str = self.cleaned_data["of_age"]
        if self.wanted and not said:
            raise forms.ValidationError(AGE_UNANSWERED)
        if self.wanted and said == "no":
            raise forms.ValidationError(TOO_YOUNG)
        return said


class GuardianForm(EmailForm):
    """Who answers for a child: the child's address, their own, and until when they answer for the child (Art. 8(1))."""

    child_email = forms.EmailField(
        label=_("The child's e-mail address"),
        max_length=254,
        help_text=_("We ask there as well, so that nobody can answer for somebody who is not their child."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "required": _("Please give the child's e-mail address."),
            "invalid": _("This does not look like an e-mail address: name@example.com."),
        },
    )
    of_age_on = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "off"}),
        input_formats=["%Y-%m-%d"],
        error_messages={
            "required": _("Please give the day."),
            "invalid": _("Please give the day as year-month-day, such as 2030-05-31."),
        },
    )
    field_order = ("child_email", "of_age_on", "email")

    def __init__(self, *args: Any, age: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.age = age
        self.fields["of_age_on"].label = _("The day on which the child turns %(age)s") % {"age": age}
        self.fields["of_age_on"].help_text = _("Until then you answer for the child. We do not keep the date of birth.")

    def clean_of_age_on(self) -> date:
        """A day to come, at most a childhood away."""
        day: date = self.cleaned_data["of_age_on"]
        today = clock.today()
        if not today < day <= today + timedelta(days=366 * self.age):
            raise forms.ValidationError(_("This day is not one on which a child of today comes to that age."))
        return day

    def clean(self) -> dict[str, Any]:
        """Two people, two mailboxes."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if said.get("child_email", "").casefold() == said.get("email", "-").casefold():
            self.add_error("child_email", _("Please give two addresses: the child's, and your own."))
        return said


class RequestForm(EmailForm):
    """A new request: what for, and an address to find and answer the person."""

    type = forms.ChoiceField(
        label=_("What do you want?"),
        choices=[(choice.value, choice.title) for choice in REQUEST_TYPES],
        widget=forms.RadioSelect,
        error_messages={"required": _("Please choose one."), "invalid_choice": _("Please choose one.")},
    )
    customer_id = forms.CharField(
        label=_("Customer number"),
        required=False,
        max_length=64,
        help_text=_("Only if you have it; it helps to find you. You need not look it up."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    field_order = ("type", "email", "customer_id")


class CodeForm(_Plain):
    """The one-time code from the letter."""

    code = forms.CharField(
        label=_("Code from the e-mail"),
        max_length=20,
        help_text=_("Eight digits. Spaces do not matter."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
        error_messages={"required": _("Please enter the code.")},
    )


class TrackForm(_Plain):
    """Reference and tracking code."""

    reference = forms.CharField(
        label=_("Reference"),
        max_length=40,
        help_text=_("It starts with dsr_."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Please enter the reference.")},
    )
    code = forms.CharField(
        label=_("Tracking code"),
        max_length=40,
        help_text=_("Four groups of four characters, from the page or the last e-mail."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Please enter the tracking code.")},
    )


class ProofForm(_Plain):
    """A signed document to be checked."""

    token = forms.CharField(
        label=_("Receipt or certificate"),
        max_length=200_000,
        help_text=_("The whole text of the file: three long parts with dots between them."),
        widget=forms.Textarea(attrs={"rows": "8", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Please paste the text of the file.")},
    )
