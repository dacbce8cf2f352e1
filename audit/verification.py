"""Verifying the whole log from the database: everything is computed anew and compared with what is stored and what was signed.

``audit/verify.py`` does the same for outsiders from an exported bundle, with code of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from audit.errors import AnchorFailed, NoteInvalid
from audit.heads import anchors, buckets, checkpoints, key_history
from audit.heads.key_history import KeyHistory
from audit.log import emit, staged_mac
from audit.merkle import EMPTY_ROOT, HASH_SIZE, Tree, leaf_hash
from audit.rereading import evidence, gaps, rows
from audit.rereading.diagnosis import Harm, first_difference
from audit.rereading.gaps import Gap
from audit.rereading.sweep import BY_INDEX, Swept, sweep
from audit.sequencer import count_mac, counts
from audit.tiles import HEIGHT, WIDTH
from audit.writers import holes
from governance.kernel import crypto, logs
from governance.kernel.actors import Actor
from governance.kernel.errors import JSON
from governance.kernel.progress import Progress, no_progress

_logger = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BadEntry:
    """The first entry with which something is wrong. ``seq`` is None while it has no number; ``entry_id`` when nobody knows it."""

    seq: int | None
    entry_id: UUID | None
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What verification found. ``root_sha256`` is the root recomputed from the entries, in hexadecimal.

    ``kept_elsewhere`` counts the checkpoints from outside the database that it was held against: with none, a log that was cut short
    together with its checkpoints passes. ``known_gaps`` are missing entries that a person has accounted for.
    """

    entries: int
    root_sha256: str
    verified: bool
    first_bad: BadEntry | None
    checkpoint_size: int
    checkpoints: int
    staged: int
    decisions: int
    kept_elsewhere: int
    problems: tuple[str, ...]
    anchors: tuple[anchors.AnchorState, ...] = ()
    known_gaps: tuple[Gap, ...] = ()


@dataclass(slots=True)
class _Findings:
    problems: list[str] = field(default_factory=list)
    bad: list[BadEntry] = field(default_factory=list)

    def name(self, seq: int | None, entry_id: UUID | None, kind: str, detail: str) -> None:
        place = f"entry {seq}" if seq is not None else "a staged entry"
        self.bad.append(BadEntry(seq, entry_id, kind, detail))
        self.problems.append(f"{place} was {kind}: {detail}")

    def first(self) -> BadEntry | None:
        numbered = [entry for entry in self.bad if entry.seq is not None]
        return min(numbered, key=lambda entry: entry.seq or 0) if numbered else next(iter(self.bad), None)


def verify_log(*, known: Sequence[str] = (), progress: Progress = no_progress) -> Report:
    """Recompute the log from its rows; name the first entry that was changed, removed, added or moved.

    Compares headers, columns, index, tiles, every signed checkpoint, staged rows, subject links, decision records and entries of
    django-auditlog. ``known`` are notes of checkpoints kept elsewhere, beside those of the anchor directory: they reveal a log that was
    cut short or rewritten together with its checkpoints. Never raises for what it finds: it reports.
    """
    # Before the database is looked at: what was kept was committed before.
    head = anchors.head()
    kept = [*known, *anchors.kept(), *_in_the_bucket()]
    with _snapshot() as alone:
        findings = _Findings()
        history = key_history.read()
        heads = _heads(history, findings)
        size = heads[-1][0] if heads else 0
        total = _count("audit_leaf")
        swept = _swept(size, total, heads, progress, alone=alone)
        tree = swept.tree if swept else _read_closely(size, total, progress, findings)
        _check_heads(tree, heads, findings)
        _check_tiles(tree, findings)
        _check_known([*kept, *head], tree, heads, history, findings)
        _check_keys(history, tree, heads, findings)
        known_gaps = _check_missing(findings)
        for anchored, what in anchors.flaws():
            findings.problems.append(f"checkpoint of size {anchored}: {what}")
        staged = _check_staged(findings)
        _check_counts(findings)
        for flaw in evidence.flaws(swept):
            findings.name(flaw.seq, flaw.entry_id, flaw.harm, flaw.detail)
        if swept is None and not findings.problems:
            findings.problems.append("the rows of the log are not as they were written")
        root = tree.root() if tree.size else EMPTY_ROOT
        return Report(
            entries=tree.size,
            root_sha256=root.hex(),
            verified=not findings.problems,
            first_bad=findings.first(),
            checkpoint_size=size,
            checkpoints=len(heads),
            staged=staged,
            decisions=_count("audit_decision"),
            kept_elsewhere=len(kept),
            problems=tuple(findings.problems),
            anchors=tuple(anchors.states()),
            known_gaps=known_gaps,
        )


def _swept(
    size: int, total: int, heads: Sequence[tuple[int, bytes]], progress: Progress, *, alone: bool
) -> Swept | None:
    """What the sweep found when every row and every head is as it should be; None when somebody has to look closely."""
    swept = sweep(size, lambda done: progress(done, max(size, 1)), alone=alone) if total == size else None
    if swept is None:
        return None
    return swept if all(_fits(swept.tree, at, root) for at, root in heads) else None


def _read_closely(size: int, total: int, progress: Progress, findings: _Findings) -> Tree:
    """Row by row, to name the first bad entry."""
    log = rows.read(size, lambda done: progress(min(done, total), max(total, 1)))
    _check_entries(log, size, findings)
    return Tree(hash_ or bytes(HASH_SIZE) for hash_ in log.found)


def _in_the_bucket() -> list[str]:
    bucket = getattr(settings, "ZGODA_LOG_ANCHOR_BUCKET", "")
    try:
        return buckets.newest(bucket, checkpoints.latest().size) if bucket else []
    except AnchorFailed as error:
        _logger.warning("anchor_failed", kind="bucket", error_class=type(error).__name__)
        return []


def record(report: Report, *, actor: Actor) -> UUID:
    """Keep the result of a verification as an entry of the log; a bad one is also reported to the service's own logs."""
    facts: dict[str, JSON] = {
        "entries": report.entries,
        "root": report.root_sha256,
        "kept_elsewhere": report.kept_elsewhere,
        "known_gaps": len(report.known_gaps),
        "anchors": [[state.kind, state.size, state.fresh] for state in report.anchors],
    }
    if not report.verified:
        bad = report.first_bad
        facts["problems"] = len(report.problems)
        facts["first_bad"] = None if bad is None else {"seq": bad.seq, "kind": str(bad.kind)}
        _logger.error("log_not_verified", entries=report.entries, count=len(report.problems))
    with transaction.atomic():
        return emit("log.verified" if report.verified else "log.verification_failed", actor=actor, facts=facts)


@contextmanager
def _snapshot() -> Iterator[bool]:
    """One view of the database for the whole run, while writers and the sequencer go on. Inside a transaction: that one's view,
    which nobody else has; then it yields True."""
    if connection.in_atomic_block:
        with _by_index():
            yield True
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with _by_index():
            yield False


@contextmanager
def _by_index() -> Iterator[None]:
    with connection.cursor() as cursor:
        for setting in BY_INDEX:
            cursor.execute(setting)
        yield
        for setting in BY_INDEX:
            cursor.execute(f"{setting.rpartition(' =')[0]} = DEFAULT")


def _count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  # a constant of this module
        return int(cursor.fetchone()[0])


def _heads(history: KeyHistory, findings: _Findings) -> list[tuple[int, bytes]]:
    """The signed heads, smallest first; a checkpoint that does not open, or whose columns say something else, is a problem."""
    heads = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT size, root, note, created_at FROM audit_checkpoint ORDER BY size")
        stored = cursor.fetchall()
    for size, root, note, created_at in stored:
        try:
            opened = checkpoints.open_checkpoint(note or "", history)
        except NoteInvalid as error:
            findings.problems.append(f"checkpoint of size {size}: {error.detail}")
            continue
        said = (size, bytes(root or b""), created_at and created_at.replace(microsecond=0))
        if (opened.size, opened.root, opened.created_at) != said:
            findings.problems.append(f"checkpoint of size {size}: its columns are not what was signed")
        heads.append((opened.size, opened.root))
    return heads


def _check_entries(log: rows.Log, size: int, findings: _Findings) -> None:
    if difference := first_difference(log.expected, log.found, size):
        seq, harm = difference.seq, difference.harm
        findings.name(seq, log.entry_ids[seq], harm, _explain(harm, beyond=seq >= size))
    elif len(log) > size:
        findings.name(size, log.entry_ids[size], Harm.ADDED, "no signed checkpoint covers it")
    for seq, flaw in log.flaws[:1]:
        findings.name(seq, log.entry_ids[seq], Harm.CHANGED, flaw)
    misplaced = next(iter(sorted(log.macs)), None)
    if misplaced is not None:
        findings.name(misplaced, log.entry_ids[misplaced], Harm.CHANGED, "its row in the index is not the one we wrote")


def _explain(harm: Harm, *, beyond: bool) -> str:
    if beyond:
        return "no signed checkpoint covers it"
    return {
        Harm.CHANGED: "its header is not the one that was logged",
        Harm.REMOVED: "the entry that was logged here is gone",
        Harm.ADDED: "it was never logged",
        Harm.MOVED: "another entry was logged here",
    }[harm]


def _check_heads(tree: Tree, heads: Sequence[tuple[int, bytes]], findings: _Findings) -> None:
    """Every signed root must be the root that the entries give at that size; so each checkpoint extends the one before."""
    good = 0
    for size, root in heads:
        if size <= tree.size and tree.root(size) == root:
            good = size
            continue
        detail = f"one of the entries {good} to {size - 1} is not what the checkpoint of size {size} signed"
        if findings.bad:
            findings.problems.append(detail)
        else:
            findings.name(good, None, Harm.CHANGED, detail)
        return


def _check_tiles(tree: Tree, findings: _Findings) -> None:
    """Every full tile must be stored once, with the hashes and the root that the entries give."""
    wanted = {
        (level, index)
        for level in range(8)
        if tree.size >> (HEIGHT * (level + 1))
        for index in range(tree.size >> (HEIGHT * (level + 1)))
    }
    with connection.cursor() as cursor:
        cursor.execute('SELECT level, "index", hashes, root FROM audit_tile ORDER BY level, "index"')
        while found := cursor.fetchmany(500):
            for level, index, hashes, root in found:
                if (level, index) not in wanted:
                    findings.problems.append(f"tile {level}/{index} does not belong to the tree")
                    continue
                wanted.discard((level, index))
                row = tree.levels[HEIGHT * level][index * WIDTH * HASH_SIZE : (index + 1) * WIDTH * HASH_SIZE]
                if bytes(hashes or b"") != bytes(row) or bytes(root or b"") != tree.node(HEIGHT * (level + 1), index):
                    findings.problems.append(f"tile {level}/{index} is not what the entries give")
    if wanted:
        level, index = min(wanted)
        findings.problems.append(f"tile {level}/{index} is missing")


def _check_known(
    known: Sequence[str], tree: Tree, heads: Sequence[tuple[int, bytes]], history: KeyHistory, findings: _Findings
) -> None:
    size = heads[-1][0] if heads else 0
    for number, note in enumerate(known):
        try:
            kept = checkpoints.open_checkpoint(note, history)
        except NoteInvalid as error:
            findings.problems.append(f"checkpoint {number} kept elsewhere: {error.detail}")
            continue
        if kept.size > size:
            findings.name(
                size, None, Harm.REMOVED, f"a checkpoint kept elsewhere covers {kept.size} entries, ours {size}"
            )
        elif kept.size > tree.size or tree.root(kept.size) != kept.root:
            good = max((head for head, root in heads if head < kept.size and _fits(tree, head, root)), default=0)
            detail = f"the log is not the one whose checkpoint of size {kept.size} was kept elsewhere"
            findings.name(good, None, Harm.CHANGED, detail)


def _fits(tree: Tree, size: int, root: bytes) -> bool:
    return size <= tree.size and tree.root(size) == root


def _check_keys(history: KeyHistory, tree: Tree, heads: Sequence[tuple[int, bytes]], findings: _Findings) -> None:
    """Every rotation must hold, and be the last entry under a checkpoint of the old key."""
    for seq, flaw in history.flaws:
        findings.name(seq, None, Harm.CHANGED, flaw)
    signed = {size for size, _ in heads}
    for rotation in history.rotations:
        if rotation.seq + 1 not in signed:
            findings.name(rotation.seq, None, Harm.CHANGED, "no checkpoint of the old key covers the rotation")


def _check_missing(findings: _Findings) -> tuple[Gap, ...]:
    """Entries that were taken away before they had a number, as the sequencer saw from the counts of writers. Returns those gaps that a
    person has looked into: they stand in the report, and do not hide a new one."""
    found = gaps.gaps()
    for gap in found:
        if not gap.acknowledged_by:
            detail = f"{gap.count} entries were taken away before they were numbered"
            findings.name(gap.seq, gap.entry_id, Harm.REMOVED, detail)
    return tuple(gap for gap in found if gap.acknowledged_by)


def _check_counts(findings: _Findings) -> None:
    """How far each writer's entries were numbered, as we noted it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT writer, number, mac FROM audit_writer")
        for writer, number, mac in cursor.fetchall():
            if None in (writer, number, mac) or not crypto.equal(bytes(mac), count_mac(writer, number)):
                findings.problems.append(f"the count of the writer {writer} is not the one that we noted")


_STAGED = f"""
    SELECT e.id, e.leaf_hash, e.writer, e.number, e.mac, e.refused, e.header, {rows.COLUMNS} FROM audit_staged e ORDER BY e.id
"""  # noqa: S608  # columns are constants
_LOST = """
    SELECT e.id FROM ONLY audit_entry e WHERE NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.entry_id = e.id) ORDER BY e.id LIMIT 1
"""


def _check_staged(findings: _Findings) -> int:
    """Entries without a number: each must be staged by us and unchanged. Returns how many wait."""
    with connection.cursor() as cursor:
        cursor.execute(_STAGED)
        staged: list[tuple[Any, ...]] = cursor.fetchall()
        lost = None
        if _count("audit_entry") != _count("audit_leaf") + len(staged):
            cursor.execute(_LOST)
            lost = cursor.fetchone()
    found: dict[UUID, list[int]] = defaultdict(list)
    for entry_id, indexed, writer, number, mac, refused, header, *columns in staged:
        if None in (entry_id, indexed, writer, number, mac, refused, header):
            findings.name(None, entry_id, Harm.CHANGED, "a column of its place in the queue was emptied")
        elif refused or not crypto.equal(bytes(mac), staged_mac(entry_id, bytes(indexed), writer, number)):
            findings.name(None, entry_id, Harm.ADDED, "it was not staged by us")
        elif leaf_hash(header.encode()) != bytes(indexed):
            findings.name(None, entry_id, Harm.CHANGED, "its header is not the one that was staged")
        elif flaw := rows.columns_flaw(entry_id, header, tuple(columns)):
            findings.name(None, entry_id, Harm.CHANGED, flaw)
        else:
            found[writer].append(number)
    if lost:
        findings.name(None, lost[0], Harm.ADDED, "it is neither numbered nor staged")
    counted = counts(set(found))
    for writer, numbers in found.items():
        for after, upto in holes(counted.get(writer, 0), numbers):
            detail = f"entries {after + 1} to {upto} of the writer {writer} were taken away before they were numbered"
            findings.name(None, None, Harm.REMOVED, detail)
    return len(staged)
