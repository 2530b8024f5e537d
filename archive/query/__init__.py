"""The query language: predicates as data, written as text or in Python, evaluated on columns."""

from archive.query.column import Column, Columns, Texts, Values
from archive.query.evaluate import evaluate
from archive.query.grammar import parse
from archive.query.predicate import Predicate, Where

__all__ = ["Column", "Columns", "Predicate", "Texts", "Values", "Where", "evaluate", "parse"]
