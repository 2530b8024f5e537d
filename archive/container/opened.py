"""What an archive consists of: its heaps and tables, opened when they are needed."""

from __future__ import annotations

from functools import cached_property

from archive.container.contents import Contents
from archive.container.documents import Documents
from archive.container.pool import Pool
from archive.container.rows import Rows
from archive.container.streams import Streams
from archive.container.tags import SegmentTags
from archive.storage import Session


class Opened:
    """All of it belongs to one session, and is valid until a roll back."""

    session: Session

    @cached_property
    def documents(self) -> Documents:
        return Documents(self.session)

    @cached_property
    def experiment(self) -> Rows:
        return Rows(self.session, self.documents, "experiment")

    @cached_property
    def runs(self) -> Rows:
        return Rows(self.session, self.documents, "runs")

    @cached_property
    def segments(self) -> Rows:
        return Rows(self.session, self.documents, "segments")

    @cached_property
    def parameter_sets(self) -> Contents:
        return Contents(self.session, self.documents, "parameter sets")

    @cached_property
    def provenance(self) -> Contents:
        return Contents(self.session, self.documents, "provenance")

    @cached_property
    def streams(self) -> Streams:
        return Streams(self.session, self.documents)

    @cached_property
    def tags(self) -> SegmentTags:
        return SegmentTags(self.session, self.streams)

    @cached_property
    def snapshots(self) -> Rows:
        return Rows(self.session, self.documents, "snapshots")

    @cached_property
    def pool(self) -> Pool:
        return Pool(self.session, self.documents, self.streams)
