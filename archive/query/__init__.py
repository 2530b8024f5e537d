"""The query language: predicates as data, written as text or in Python, evaluated on columns.

Text becomes a predicate in `archive.query.grammar`, and a predicate is evaluated in
`archive.query.evaluate`: a program that asks nothing imports neither.
"""

from archive.query.column import Column, Columns, Texts, Values
from archive.query.predicate import Predicate, Where

__all__ = ["Column", "Columns", "Predicate", "Texts", "Values", "Where"]
