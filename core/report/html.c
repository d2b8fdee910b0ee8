/* A report as one HTML file: no script, no second file; charts as inline SVG, each with its table;
 * fit for paper. */
#include "base/text.h"
#include "base/tr.h"
#include "report/private.h"

static const char style[] =
    ":root{color-scheme:light}"
    "body{font:16px/1.45 'Liberation Serif',Tinos,'Times New Roman','DejaVu Serif',serif;"
    "color:#000;background:#fff;max-width:72rem;margin:1.5rem auto;padding:0 1rem}"
    "header .top{display:flex;justify-content:space-between;gap:2rem;text-align:center}"
    "header p{margin:.1rem 0}.caps{text-transform:uppercase}.b{font-weight:bold}"
    ".motto{display:inline-block;border-bottom:1px solid #000}"
    "h1{font-size:1.35rem;text-align:center;margin:1.4rem 0 .2rem;text-transform:uppercase}"
    "h2{font-size:1.1rem;margin:1.6rem 0 .5rem}.mid{text-align:center;margin:.1rem 0}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dt{font-weight:bold}"
    "dd{margin:0}.wide{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
    "th,td{border:1px solid #555;padding:.2rem .45rem;text-align:left;vertical-align:top}"
    "thead th{background:#e6e6e6;text-align:center;vertical-align:middle}"
    "th[scope=row]{font-weight:normal}td.n{text-align:right;white-space:nowrap}"
    "tfoot th,tfoot td{font-weight:bold;border-top:2px solid #000}"
    "figure{margin:1rem 0}figcaption{font-weight:bold;margin-bottom:.4rem}"
    "svg{max-width:100%;height:auto;display:block}summary{cursor:pointer;margin:.4rem 0}"
    ".sign{display:flex;justify-content:space-between;text-align:center;margin-top:2rem;"
    "break-inside:avoid}.sign div{flex:1}.room{height:5rem}"
    ".notes{font-size:.9rem;font-style:italic}"
    "@media print{@page{size:A4;margin:20mm 15mm 20mm 30mm}"
    "body{font-size:11pt;max-width:none;margin:0;padding:0}.wide{overflow:visible}"
    "thead{display:table-header-group}tfoot{display:table-row-group}"
    "tr,figure{break-inside:avoid}}";

static void esc(struct base_buf *out, const char *text) {
    base_text_html(out, str_from(text ? text : ""));
}

/* <tag class>text</tag> unless there is no text. */
static void add_line(struct base_buf *out, const char *tag, const char *class, const char *text) {
    if (text && text[0]) {
        base_buf_printf(out, "<%s class=\"%s\">", tag, class);
        esc(out, text);
        base_buf_printf(out, "</%s>\n", tag);
    }
}

static void add_header(const struct report *report, struct base_buf *out) {
    const struct report_heading *h = &report->heading;
    base_buf_add_text(out, "<header><div class=\"top\"><div>");
    add_line(out, "p", "caps", h->superior);
    add_line(out, "p", "caps b", h->authority);
    if (h->form) {
        base_buf_printf(out, "<p>%s: ", TR("Form no."));
        esc(out, h->form);
        base_buf_add_text(out, "</p>");
    }
    base_buf_add_text(out, "</div><div>");
    add_line(out, "p", "b", TR("SOCIALIST REPUBLIC OF VIET NAM"));
    base_buf_add_text(out, "<p class=\"b\"><span class=\"motto\">");
    esc(out, TR("Independence - Freedom - Happiness"));
    base_buf_add_text(out, "</span></p></div></div>\n<h1>");
    esc(out, report->title);
    base_buf_add_text(out, "</h1>\n");
    add_line(out, "p", "mid b", report->subtitle);
    add_line(out, "p", "mid", report->period);
    struct base_buf as_of;
    base_buf_init(&as_of, 1024);
    report__as_of(report, &as_of);
    add_line(out, "p", "mid", base_buf_text(&as_of));
    base_buf_release(&as_of);
    if (report->param_count) {
        base_buf_add_text(out, "<dl>");
        for (size_t i = 0; i < report->param_count; i++) {
            base_buf_add_text(out, "<dt>");
            esc(out, report->params[i].label);
            base_buf_add_text(out, "</dt><dd>");
            esc(out, report->params[i].value);
            base_buf_add_text(out, "</dd>");
        }
        base_buf_add_text(out, "</dl>");
    }
    base_buf_add_text(out, "</header>\n");
}

static void add_groups(const struct report_table *table, struct base_buf *out) {
    size_t c = 0;
    base_buf_add_text(out, "<tr>");
    while (c < table->column_count) {
        size_t wide = 1;
        const char *label = "";
        for (size_t g = 0; g < table->group_count; g++) {
            if (table->groups[g].first == c) {
                wide = table->groups[g].count;
                label = TR(table->groups[g].label);
            }
        }
        base_buf_printf(out, label[0] ? "<th colspan=\"%zu\" scope=\"colgroup\">" : "<td>", wide);
        esc(out, label);
        base_buf_add_text(out, label[0] ? "</th>" : "</td>");
        c += wide;
    }
    base_buf_add_text(out, "</tr>\n");
}

static void add_row(const struct report_table *table, const struct report__whys *whys, size_t row,
    struct base_buf *out) {
    struct base_buf cell;
    base_buf_init(&cell, 1 << 20);
    base_buf_add_text(out, "<tr>");
    for (size_t c = 0; c < table->column_count; c++) {
        const struct report_value *value = report_table_at(table, row, c);
        size_t why = report__why_number(whys, value);
        bool head = c == 0 && !report__is_right(table->columns[c].kind);
        base_buf_clear(&cell);
        report__show(table, c, value, &cell);
        base_buf_add_text(out, head                                       ? "<th scope=\"row\">"
                               : report__is_right(table->columns[c].kind) ? "<td class=\"n\">"
                                                                          : "<td>");
        base_text_html(out, base_buf_str(&cell));
        if (why) {
            base_buf_printf(out, "– <sup>%zu</sup>", why);
        }
        base_buf_add_text(out, head ? "</th>" : "</td>");
    }
    base_buf_add_text(out, "</tr>\n");
    base_buf_release(&cell);
}

static void add_table(const char *caption, const struct report_table *table, struct base_buf *out) {
    struct report__whys whys;
    size_t plain = report_table_plain_rows(table);
    report__whys_of(table, &whys);
    base_buf_add_text(out, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"");
    esc(out, caption);
    base_buf_add_text(out, "\"><table>\n<thead>");
    if (table->group_count) {
        add_groups(table, out);
    }
    base_buf_add_text(out, "<tr>");
    for (size_t c = 0; c < table->column_count; c++) {
        base_buf_add_text(out, "<th scope=\"col\">");
        esc(out, TR(table->columns[c].label));
        base_buf_add_text(out, "</th>");
    }
    base_buf_add_text(out, "</tr></thead>\n<tbody>\n");
    for (size_t r = 0; r < plain; r++) {
        add_row(table, &whys, r, out);
    }
    base_buf_add_text(out, "</tbody>\n");
    if (table->has_sum) {
        base_buf_add_text(out, "<tfoot>");
        add_row(table, &whys, table->row_count - 1, out);
        base_buf_add_text(out, "</tfoot>\n");
    }
    base_buf_add_text(out, "</table></div>\n");
    for (size_t i = 0; i < whys.count; i++) {
        base_buf_printf(out, "<p class=\"notes\"><sup>%zu</sup> ", i + 1);
        esc(out, whys.why[i]);
        base_buf_add_text(out, "</p>\n");
    }
}

static int add_chart(const struct report *report, struct report_chart *chart, size_t number,
    struct base_buf *out, struct base_err *err) {
    struct report_table twin;
    char prefix[24];
    snprintf(prefix, sizeof prefix, "c%zu-", number);
    base_buf_add_text(out, "<figure><figcaption>");
    esc(out, chart->title);
    base_buf_add_text(out, "</figcaption>\n");
    int rc = report__chart_svg(chart, prefix, out, err);
    base_buf_printf(out, "<details><summary>%s</summary>\n", TR("the figures as a table"));
    report__chart_table(chart, report->offset_min, &twin);
    add_table(chart->title, &twin, out);
    report_table_release(&twin);
    base_buf_add_text(out, "</details></figure>\n");
    return rc;
}

static void add_signature(const struct report *report, struct base_buf *out) {
    const struct report_heading *h = &report->heading;
    struct base_buf date;
    if (!h->signer_title && !h->signer && !h->preparer) {
        return;
    }
    base_buf_init(&date, 1024);
    report__date_of_place(report, &date);
    base_buf_add_text(out, "<section class=\"sign\"><div><p>&nbsp;</p>");
    add_line(out, "p", "b caps", TR("Prepared by"));
    add_line(out, "p", "", TR("(signature, full name)"));
    base_buf_add_text(out, "<div class=\"room\"></div>");
    add_line(out, "p", "b", h->preparer);
    base_buf_add_text(out, "</div><div>");
    add_line(out, "p", "", base_buf_text(&date));
    add_line(out, "p", "b caps", h->signer_title);
    add_line(out, "p", "", TR("(signature, seal, full name)"));
    base_buf_add_text(out, "<div class=\"room\"></div>");
    add_line(out, "p", "b", h->signer);
    base_buf_add_text(out, "</div></section>\n");
    base_buf_release(&date);
}

int report__html(const struct report *report, struct base_buf *out, struct base_err *err) {
    int rc = 0;
    base_buf_printf(out,
        "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'\">\n<title>",
        base_tr_get() == BASE_LANG_VI ? "vi" : "en");
    esc(out, report->title);
    base_buf_printf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n", style);
    add_header(report, out);
    base_buf_add_text(out, "<main>\n");
    for (size_t i = 0; rc == 0 && i < report->block_count; i++) {
        struct report_block *block = report->blocks[i];
        switch (block->kind) {
        case REPORT_BLOCK_TABLE:
            add_line(out, "h2", "", block->heading);
            add_table(block->heading[0] ? block->heading : report->title, &block->table, out);
            break;
        case REPORT_BLOCK_NOTE:
            add_line(out, "p", "notes", block->note);
            break;
        case REPORT_BLOCK_CHART:
            rc = add_chart(report, &block->chart, i, out, err);
            break;
        }
    }
    add_signature(report, out);
    base_buf_add_text(out, "</main>\n</body>\n</html>\n");
    return rc;
}
