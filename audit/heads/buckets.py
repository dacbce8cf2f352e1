"""Copies of checkpoints in an S3-style bucket: each object is written once, by a conditional PUT, and never again.

Give the bucket a retention rule (Object Lock) and this service a right to put and to read, not to delete.
"""

from __future__ import annotations

from typing import Any

from audit.errors import AnchorFailed
from audit.heads.checkpoints import Checkpoint


def keep(address: str, checkpoint: Checkpoint) -> bytes:
    """Add a copy; returns where it is. A copy that is there already must be the same. Raises ``AnchorFailed``."""
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, prefix = _parts(address)
    key = f"{prefix}{checkpoint.size:020d}"
    try:
        client = _client()
        client.put_object(
            Bucket=bucket, Key=key, Body=checkpoint.note.encode(), IfNoneMatch="*", ContentType="text/plain"
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "PreconditionFailed":
            raise AnchorFailed("The bucket refused.") from error
    except BotoCoreError as error:
        raise AnchorFailed("The bucket does not answer.") from error
    return key.encode()


def newest(address: str, after: int) -> list[str]:
    """The notes of the newest copy at all, and of the newest beyond ``after`` entries, which we should not be without.

    Raises ``AnchorFailed``.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, prefix = _parts(address)
    try:
        client = _client()
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, StartAfter=f"{prefix}{max(0, after - 1):020d}"
        )
        names = sorted(found["Key"] for page in pages for found in page.get("Contents", ()))
        return [client.get_object(Bucket=bucket, Key=name)["Body"].read().decode() for name in names[-1:]]
    except (BotoCoreError, ClientError) as error:
        raise AnchorFailed("The bucket does not answer.") from error


def _client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2}))


def _parts(address: str) -> tuple[str, str]:
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    return bucket, f"{prefix.rstrip('/')}/" if prefix else ""
