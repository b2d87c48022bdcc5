"""The tables of a document as CSV: a row of column keys, then raw integers.

There are no totals, since a reader would sum them again.
"""

from __future__ import annotations

import csv
import io
import re

from cnncalc.report.document import Document

#: A spreadsheet's formulas, https://owasp.org/www-community/attacks/CSV_Injection; signed sizes are none.
FORMULA = re.compile(r"[=+@\t\r]|-(?![-\d./x]*$)")


def to_csv(document: Document) -> str:
    """Return the tables as CSV (RFC 4180 with LF); a text that a spreadsheet would evaluate gets a leading `'`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for table in document.tables():
        writer.writerow([column.key for column in table.columns])
        writer.writerows([[_harmless(value) for value in row] for row in table.values()])
    return text.getvalue()


def _harmless(value: object) -> object:
    if not isinstance(value, str):
        return value
    # The writer quotes a text for a line feed in it, but not for a carriage return, which ends a line as well.
    return ("'" if FORMULA.match(value) else "") + value.replace("\r", " ")
