"""A decision on paper: a PDF that carries its own signature (PAdES), to take to a court or to keep.

The typeface is the console's own (Inter, SIL Open Font License), which has every Polish letter. The libraries come with the extra
`papers` and are imported where they are used.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import timedelta
from importlib import resources
from typing import Any, Final

from audit.explanations import wording
from audit.explanations.dossiers import Bar, Dossier, Section
from audit.explanations.reasons import Explanation
from governance.kernel import clock, crypto, secret_files
from governance.kernel.ids import opaque

FIELD: Final = "Signature"
_VALID: Final = timedelta(days=3650)
_SUPPORTS, _OPPOSES = (46, 105, 84), (180, 83, 9)
_BAR_WIDTH = 60.0
_LINE = 5.5


def of_dossier(dossier: Dossier) -> bytes:
    """The signed PDF of what an officer or an authority sees."""
    return signed(_laid_out(dossier.title, dossier.sections, "en"))


def of_person(explanation: Explanation) -> bytes:
    """The signed PDF of what the person reads: words, no numbers."""
    language = explanation.language
    heading = wording.PAPER[language]
    sections = [
        Section(heading["what"], lines=(explanation.sentence,)),
        Section(heading["why"], lines=_told(explanation)),
        Section(heading["ground"], lines=(explanation.basis, *([explanation.chance] if explanation.chance else ()))),
        Section(heading["not_used"], lines=tuple(explanation.not_used)),
        Section(
            heading["change"],
            lines=(*([explanation.counterfactual] if explanation.counterfactual else ()), explanation.correction),
        ),
        Section(heading["rights"], lines=(explanation.rights,)),
        Section(heading["about"], facts=((heading["number"], opaque("dec", explanation.decision_id)),)),
    ]
    return signed(_laid_out(heading["title"], sections, language))


def _told(explanation: Explanation) -> tuple[str, ...]:
    """The firm reasons, then those that weigh about the same, then what is to be said of all."""
    alike = (explanation.alike_lead, *(reason.text for reason in explanation.alike)) if explanation.alike else ()
    return (*(reason.text for reason in explanation.firm), *alike, *explanation.about_reasons)


def signed(pdf: bytes) -> bytes:
    """The PDF with our signature in it; a change of any byte shows."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import signers

    metadata = signers.PdfSignatureMetadata(field_name=FIELD, md_algorithm="sha256", reason="Art. 15(1)(h), 22 GDPR")
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    return bytes(signers.sign_pdf(writer, metadata, signer=_signer()).getvalue())


def certificate() -> bytes:
    """Our certificate (PEM): who has it checks a paper with any PDF reader."""
    pem = secret_files.load_or_create("paper_signing_key.pem", _made)
    return pem[pem.index(b"-----BEGIN CERTIFICATE-----") :]


def _signer() -> Any:
    from pyhanko import keys
    from pyhanko.sign.signers import SimpleSigner, pdf_cms

    pem = secret_files.load_or_create("paper_signing_key.pem", _made)
    key, own = pem[: -len(certificate())], certificate()
    # The store of intermediate certificates is empty: ours is signed by itself.
    store: Any = pdf_cms
    return SimpleSigner(
        signing_cert=next(iter(keys.load_certs_from_pemder_data(own))),
        signing_key=keys.load_private_key_from_pemder_data(key, None),
        cert_registry=store.SimpleCertificateStore(),
    )


def _made() -> bytes:
    return crypto.self_signed_pem(
        "Explanations of automated decisions", clock.now() - timedelta(days=1), clock.now() + _VALID
    )


def _laid_out(title: str, sections: Sequence[Section], language: str) -> bytes:
    from fpdf import FPDF

    pdf: Any = FPDF(format="A4")
    pdf.set_lang(language)
    pdf.set_title(title)
    fonts = resources.files("unfold") / "static/unfold/fonts/inter"
    pdf.add_font("Inter", "", str(fonts / "Inter-Regular.woff2"))
    pdf.add_font("Inter", "B", str(fonts / "Inter-SemiBold.woff2"))
    pdf.set_margins(20, 18)
    pdf.set_auto_page_break(True, 18)
    pdf.add_page()
    _write(pdf, title, size=16, bold=True)
    for section in sections:
        pdf.ln(3)
        _write(pdf, section.title, size=12, bold=True)
        for line in section.lines:
            _write(pdf, line)
        for bar in section.bars:
            _draw(pdf, bar)
        for name, value in section.facts:
            _write(pdf, f"{name}: {value}", size=9)
        if section.verbatim:
            _write(pdf, section.verbatim, size=6)
    return bytes(pdf.output())


def _write(pdf: Any, text: str, *, size: float = 10, bold: bool = False) -> None:
    pdf.set_font("Inter", "B" if bold else "", size)
    pdf.multi_cell(0, _LINE * size / 10, text, new_x="LMARGIN", new_y="NEXT", wrapmode="CHAR" if size < 8 else "WORD")


def _draw(pdf: Any, bar: Bar) -> None:
    """A reason, its bar to the right or left of a middle line, and its number."""
    pdf.set_font("Inter", "", 9)
    if pdf.get_y() > pdf.h - 30:
        pdf.add_page()
    top, middle = pdf.get_y(), pdf.w - pdf.r_margin - 18 - _BAR_WIDTH / 2
    pdf.set_fill_color(*(_SUPPORTS if bar.share >= 0 else _OPPOSES))
    length = abs(bar.share) * _BAR_WIDTH / 2
    pdf.rect(middle if bar.share >= 0 else middle - length, top + 1.2, length, 2.6, style="F")
    pdf.line(middle, top, middle, top + 5)
    pdf.set_xy(pdf.w - pdf.r_margin - 16, top)
    pdf.cell(16, 5, bar.signed, align="R")
    pdf.set_xy(pdf.l_margin, top)
    width = middle - _BAR_WIDTH / 2 - pdf.l_margin - 2
    pdf.multi_cell(width, _LINE * 0.9, bar.text, new_x="LMARGIN", new_y="NEXT")
