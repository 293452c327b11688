"""CSV that a spreadsheet can open without harm."""

import csv
import io

import pytest
from flask import Flask

from gateway import tabular


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_what_a_spreadsheet_would_take_for_a_formula_is_made_plain_text(text: str) -> None:
    assert tabular.text(text) == "'" + text


def test_harmless_text_stays_as_it_is() -> None:
    assert tabular.text("Pan y queso, 3 = tres") == "Pan y queso, 3 = tres"


def test_rows_come_quoted_and_complete_however_many() -> None:
    rows = [(number, 'a "quoted", text\nof two lines') for number in range(1001)]
    with Flask("test").test_request_context():
        answer = tabular.response("file", ("number", "text"), rows)
        body = answer.get_data(as_text=True)
    read = list(csv.reader(io.StringIO(body, newline="")))
    assert read[0] == ["number", "text"]
    assert read[1:] == [[str(number), text] for number, text in rows]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="file.csv"'
