"""Writes small XLSX workbooks, part by part, so that tests can also write wrong ones."""
import datetime
import io
import zipfile
from xml.sax.saxutils import escape

STYLES = ('<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>'
          '</numFmts><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="22"/></cellXfs></styleSheet>')
RELATIONS = ('<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
             '<Relationship Id="rId1" Type="w" Target="worksheets/sheet1.xml"/></Relationships>')


def name(column):
    return chr(ord("A") + column)


def cell(address, value, shared, epoch):
    if value is None or value == "":
        return ""
    if isinstance(value, (datetime.date, datetime.datetime)):
        day = value.date() if isinstance(value, datetime.datetime) else value
        serial = (day - epoch).days
        if isinstance(value, datetime.datetime):
            return f'<c r="{address}" s="2"><v>{serial + (value.hour * 3600 + value.minute * 60) / 86400}</v></c>'
        return f'<c r="{address}" s="1"><v>{serial}</v></c>'
    if isinstance(value, (int, float)):
        return f'<c r="{address}"><v>{value!r}</v></c>'
    if value.startswith("="):
        return f'<c r="{address}"><f>{escape(value[1:])}</f></c>'
    if shared is None:
        return f'<c r="{address}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    shared.append(value)
    return f'<c r="{address}" t="s"><v>{len(shared) - 1}</v></c>'


def workbook(rows, since_1904=False, inline=False, first_row=1, parts=None):
    """The bytes of a workbook with one sheet. rows: lists of texts, numbers, dates; parts: other or changed parts."""
    epoch = datetime.date(1904, 1, 1) if since_1904 else datetime.date(1899, 12, 30)
    shared = None if inline else []
    lines = []
    for number, row in enumerate(rows, first_row):
        if row:
            lines.append(f'<row r="{number}">' + "".join(cell(f"{name(i)}{number}", value, shared, epoch) for i, value in enumerate(row)) + "</row>")
    flag = ' date1904="1"' if since_1904 else ""
    made = {
        "xl/workbook.xml": f'<workbook xmlns:r="x"><workbookPr{flag}/><sheets><sheet name="ẩn" sheetId="2" state="hidden" r:id="rId9"/>'
                           '<sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": RELATIONS,
        "xl/styles.xml": STYLES,
        "xl/worksheets/sheet1.xml": "<worksheet><sheetData>" + "".join(lines) + "</sheetData></worksheet>",
        "xl/sharedStrings.xml": "<sst>" + "".join(f"<si><t>{escape(text)}</t><rPh><t>xx</t></rPh></si>" for text in shared or []) + "</sst>",
    }
    made.update(parts or {})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, text in made.items():
            archive.writestr(part, text)
    return out.getvalue()
