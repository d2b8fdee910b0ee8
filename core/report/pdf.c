/* A report on A4: heading and signatures as Vietnamese authorities have them (Decree 30/2020/ND-CP,
 * annex I: margins 20-25 mm top and bottom, 30-35 mm left, 15-20 mm right), then its blocks. Drawn
 * twice: the first turn counts the pages. */
#include "report/pdf.h"

#include "base/civil.h"
#include "base/text.h"
#include "base/tr.h"
#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#define MM (72 / 25.4)
#define A4_SHORT (210 * MM)
#define A4_LONG (297 * MM)
#define MARGIN_TOP (20 * MM)
#define MARGIN_BOTTOM (20 * MM)
#define MARGIN_LEFT (30 * MM)
#define MARGIN_RIGHT (15 * MM)
#define FOOT (9 * MM)  /* below the text */
#define SIGN_ROOM 62.0 /* for the hand and the seal */
#define SIGN_HEIGHT (SIGN_ROOM + 80)

void report__pdf_font(struct pdf *pdf, double size, enum pdf_weight weight) {
    PangoFontDescription *font = pango_font_description_from_string(REPORT__FONT);
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_font_description_set_weight(
        font, weight == PDF_BOLD ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_style(
        font, weight == PDF_ITALIC ? PANGO_STYLE_ITALIC : PANGO_STYLE_NORMAL);
    pango_layout_set_font_description(pdf->layout, font);
    pango_font_description_free(font);
}

static void set_text(struct pdf *pdf, double width, double share, const char *text, bool wrap) {
    pango_layout_set_width(pdf->layout, wrap ? (int)(width * PANGO_SCALE) : -1);
    pango_layout_set_wrap(pdf->layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(pdf->layout, share == 0   ? PANGO_ALIGN_LEFT
                                            : share == 1 ? PANGO_ALIGN_RIGHT
                                                         : PANGO_ALIGN_CENTER);
    pango_layout_set_text(pdf->layout, text, -1);
}

double report__pdf_text(
    struct pdf *pdf, double x, double y, double width, double share, const char *text, bool wrap) {
    int wide;
    int high;
    set_text(pdf, width, share, text, wrap);
    pango_layout_get_size(pdf->layout, &wide, &high);
    if (!pdf->counting) {
        double shift = wrap ? 0 : share * (width - (double)wide / PANGO_SCALE);
        cairo_set_source_rgb(pdf->cr, 0, 0, 0);
        cairo_move_to(pdf->cr, x + shift, y);
        pango_cairo_show_layout(pdf->cr, pdf->layout);
    }
    return (double)high / PANGO_SCALE;
}

double report__pdf_text_width(struct pdf *pdf, const char *text) {
    int wide;
    set_text(pdf, 0, 0, text, false);
    pango_layout_get_size(pdf->layout, &wide, NULL);
    return (double)wide / PANGO_SCALE;
}

double report__pdf_text_height(struct pdf *pdf, double width, const char *text) {
    int high;
    set_text(pdf, width, 0, text, true);
    pango_layout_get_size(pdf->layout, NULL, &high);
    return (double)high / PANGO_SCALE;
}

void report__pdf_line(struct pdf *pdf, double x1, double y1, double x2, double y2, double width) {
    if (!pdf->counting) {
        cairo_set_source_rgb(pdf->cr, 0, 0, 0);
        cairo_set_line_width(pdf->cr, width);
        cairo_move_to(pdf->cr, x1, y1);
        cairo_line_to(pdf->cr, x2, y2);
        cairo_stroke(pdf->cr);
    }
}

/* --- pages --- */

static void draw_foot(struct pdf *pdf) {
    char text[64];
    double y = pdf->bottom + FOOT - 10;
    snprintf(text, sizeof text, TR("Page %d of %d"), pdf->page, pdf->pages);
    report__pdf_font(pdf, 9, PDF_PLAIN);
    report__pdf_line(pdf, pdf->left, y - 3, pdf->right, y - 3, 0.4);
    double width = pdf->right - pdf->left;
    report__pdf_text(pdf, pdf->left, y, width, 1, text, false);
    struct base_buf line;
    base_buf_init(&line, 4096);
    base_buf_add_str(&line, str_from(pdf->report->title));
    base_buf_add_text(&line, " · ");
    report__as_of(pdf->report, &line);
    pango_layout_set_ellipsize(pdf->layout, PANGO_ELLIPSIZE_END);
    report__pdf_text(pdf, pdf->left, y, width - 90, 0, base_buf_text(&line), true);
    pango_layout_set_ellipsize(pdf->layout, PANGO_ELLIPSIZE_NONE);
    base_buf_release(&line);
}

void report__pdf_turn(struct pdf *pdf) {
    draw_foot(pdf);
    if (!pdf->counting) {
        cairo_show_page(pdf->cr);
    }
    pdf->page++;
    pdf->y = pdf->top;
}

void report__pdf_need(struct pdf *pdf, double height) {
    if (pdf->y + height > pdf->bottom && pdf->y > pdf->top) {
        report__pdf_turn(pdf);
    }
}

/* --- heading --- */

/* Wrapped and centred; nothing for a missing text. The y below it. */
static double add_centred(struct pdf *pdf, double x, double y, double width, const char *text,
    double size, enum pdf_weight weight) {
    if (!text || !text[0]) {
        return y;
    }
    report__pdf_font(pdf, size, weight);
    return y + report__pdf_text(pdf, x, y, width, 0.5, text, true);
}

/* The letters of the language, not of the C library: pango does not change case, so this does. */
static char *upper(const char *text) {
    struct base_buf out;
    struct str all = str_from(text ? text : "");
    base_buf_init(&out, 8192);
    for (size_t at = 0; at < all.bytes;) {
        uint32_t letter = base_utf8_next(all, &at);
        base_utf8_add(&out, g_unichar_toupper(letter));
    }
    return base_buf_take(&out);
}

static double add_upper(struct pdf *pdf, double x, double y, double width, const char *text,
    double size, enum pdf_weight weight) {
    char *big = upper(text);
    y = add_centred(pdf, x, y, width, big, size, weight);
    base_free(big);
    return y;
}

static double add_authority(struct pdf *pdf, double width) {
    const struct report_heading *h = &pdf->report->heading;
    double y = add_upper(pdf, pdf->left, pdf->y, width, h->superior, 12, PDF_PLAIN);
    y = add_upper(pdf, pdf->left, y, width, h->authority, 12, PDF_BOLD);
    if (h->authority || h->superior) {
        report__pdf_line(
            pdf, pdf->left + width * 0.34, y + 2, pdf->left + width * 0.66, y + 2, 0.7);
        y += 6;
    }
    if (h->form) {
        char text[256];
        snprintf(text, sizeof text, "%s: %s", TR("Form no."), h->form);
        y = add_centred(pdf, pdf->left, y, width, text, 11, PDF_PLAIN);
    }
    return y;
}

static double add_motto(struct pdf *pdf, double x, double width) {
    double y =
        add_centred(pdf, x, pdf->y, width, TR("SOCIALIST REPUBLIC OF VIET NAM"), 12, PDF_BOLD);
    const char *motto = TR("Independence - Freedom - Happiness");
    report__pdf_font(pdf, 12.5, PDF_BOLD);
    double wide = report__pdf_text_width(pdf, motto);
    y += report__pdf_text(pdf, x, y, width, 0.5, motto, true);
    report__pdf_line(pdf, x + (width - wide) / 2, y + 2, x + (width + wide) / 2, y + 2, 0.7);
    return y + 6;
}

static void add_heading(struct pdf *pdf) {
    const struct report *report = pdf->report;
    double width = pdf->right - pdf->left;
    /* 12 pt bold letters of the State's name need 250 pt; the rest is the authority's. */
    double motto = 258;
    double left_end = add_authority(pdf, width - motto - 12);
    double right_end = add_motto(pdf, pdf->right - motto, motto);
    struct base_buf text;
    base_buf_init(&text, 4096);
    pdf->y = (left_end > right_end ? left_end : right_end) + 16;
    pdf->y = add_upper(pdf, pdf->left, pdf->y, width, report->title, 14, PDF_BOLD);
    pdf->y = add_centred(pdf, pdf->left, pdf->y, width, report->subtitle, 12, PDF_BOLD);
    pdf->y = add_centred(pdf, pdf->left, pdf->y, width, report->period, 11, PDF_PLAIN);
    report__as_of(report, &text);
    pdf->y = add_centred(pdf, pdf->left, pdf->y, width, base_buf_text(&text), 11, PDF_ITALIC);
    pdf->y += 6;
    report__pdf_font(pdf, 11, PDF_PLAIN);
    for (size_t i = 0; i < report->param_count; i++) {
        base_buf_clear(&text);
        base_buf_printf(&text, "%s: %s", report->params[i].label, report->params[i].value);
        pdf->y += report__pdf_text(pdf, pdf->left, pdf->y, width, 0, base_buf_text(&text), true);
    }
    pdf->y += 6;
    base_buf_release(&text);
}

static bool is_signed(const struct report *report) {
    const struct report_heading *h = &report->heading;
    return h->signer_title || h->signer || h->preparer;
}

static void add_signature(struct pdf *pdf) {
    const struct report_heading *h = &pdf->report->heading;
    double half = (pdf->right - pdf->left) / 2;
    struct base_buf date;
    if (!is_signed(pdf->report)) {
        return;
    }
    base_buf_init(&date, 1024);
    report__date_of_place(pdf->report, &date);
    report__pdf_need(pdf, SIGN_HEIGHT);
    double top = pdf->y + 12;
    double x = pdf->left + half;
    report__pdf_font(pdf, 11, PDF_ITALIC);
    double y = top + report__pdf_text(pdf, x, top, half, 0.5, base_buf_text(&date), true);
    add_upper(pdf, pdf->left, y, half, TR("Prepared by"), 11, PDF_BOLD);
    y = add_upper(pdf, x, y, half, h->signer_title ? h->signer_title : " ", 11, PDF_BOLD);
    add_centred(pdf, pdf->left, y, half, TR("(signature, full name)"), 10, PDF_ITALIC);
    y = add_centred(pdf, x, y, half, TR("(signature, seal, full name)"), 10, PDF_ITALIC);
    y += SIGN_ROOM;
    add_centred(pdf, pdf->left, y, half, h->preparer, 11, PDF_BOLD);
    pdf->y = add_centred(pdf, x, y, half, h->signer ? h->signer : " ", 11, PDF_BOLD);
    base_buf_release(&date);
}

/* --- blocks --- */

static void add_block_heading(struct pdf *pdf, const char *text, double with) {
    if (text[0]) {
        double width = pdf->right - pdf->left;
        report__pdf_font(pdf, 12, PDF_BOLD);
        double height = report__pdf_text_height(pdf, width, text);
        report__pdf_need(pdf, height + with + 12);
        pdf->y += pdf->y > pdf->top ? 8 : 0;
        report__pdf_font(pdf, 12, PDF_BOLD);
        pdf->y += report__pdf_text(pdf, pdf->left, pdf->y, width, 0, text, true) + 4;
    }
}

static void add_chart(struct pdf *pdf, const struct report_chart *chart) {
    double width = pdf->right - pdf->left;
    double height = report__chart_height(chart, width);
    double room = pdf->bottom - pdf->top - 40;
    double scale = height > room ? room / height : 1;
    double after = height * scale + pdf->after < room ? pdf->after : 0;
    add_block_heading(pdf, chart->title, height * scale + after);
    report__pdf_need(pdf, height * scale);
    if (!pdf->counting) {
        cairo_save(pdf->cr);
        cairo_translate(pdf->cr, pdf->left, pdf->y);
        cairo_scale(pdf->cr, scale, scale);
        report__chart_draw(chart, pdf->cr, width);
        cairo_restore(pdf->cr);
    }
    pdf->y += height * scale + 6;
}

static void add_note(struct pdf *pdf, const char *text) {
    double width = pdf->right - pdf->left;
    report__pdf_font(pdf, 10, PDF_ITALIC);
    report__pdf_need(pdf, report__pdf_text_height(pdf, width, text) + pdf->after);
    report__pdf_font(pdf, 10, PDF_ITALIC);
    pdf->y += report__pdf_text(pdf, pdf->left, pdf->y, width, 0, text, true) + 3;
}

static void draw_all(struct pdf *pdf) {
    pdf->page = 1;
    pdf->y = pdf->top;
    add_heading(pdf);
    for (size_t i = 0; i < pdf->report->block_count; i++) {
        const struct report_block *block = pdf->report->blocks[i];
        bool last = i + 1 == pdf->report->block_count;
        pdf->after = last && is_signed(pdf->report) ? SIGN_HEIGHT : 0;
        switch (block->kind) {
        case REPORT_BLOCK_TABLE:
            add_block_heading(pdf, block->heading, 60);
            report__pdf_table(pdf, &block->table);
            break;
        case REPORT_BLOCK_NOTE:
            add_note(pdf, block->note);
            break;
        case REPORT_BLOCK_CHART:
            add_chart(pdf, &block->chart);
            break;
        }
    }
    add_signature(pdf);
    draw_foot(pdf);
    if (!pdf->counting) {
        cairo_show_page(pdf->cr);
    }
    pdf->pages = pdf->page;
}

static bool wants_across(struct pdf *pdf) {
    for (size_t i = 0; i < pdf->report->block_count; i++) {
        const struct report_block *block = pdf->report->blocks[i];
        if (block->kind == REPORT_BLOCK_TABLE &&
            report__pdf_table_width(pdf, &block->table) > A4_SHORT - MARGIN_LEFT - MARGIN_RIGHT) {
            return true;
        }
    }
    return false;
}

static void set_page(struct pdf *pdf, bool across) {
    pdf->width = across ? A4_LONG : A4_SHORT;
    pdf->height = across ? A4_SHORT : A4_LONG;
    pdf->left = MARGIN_LEFT;
    pdf->right = pdf->width - MARGIN_RIGHT;
    pdf->top = MARGIN_TOP;
    pdf->bottom = pdf->height - MARGIN_BOTTOM;
    cairo_pdf_surface_set_size(pdf->surface, pdf->width, pdf->height);
}

static void set_metadata(struct pdf *pdf) {
    char created[BASE_ISO_MAX];
    base_format_iso(pdf->report->as_of_ms, pdf->report->offset_min, created);
    cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_TITLE, pdf->report->title);
    cairo_pdf_surface_set_metadata(
        pdf->surface, CAIRO_PDF_METADATA_AUTHOR, pdf->report->heading.authority);
    cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_CREATOR, "lantoa");
    cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_CREATE_DATE, created);
}

static cairo_status_t take_bytes(void *arg, const unsigned char *bytes, unsigned int count) {
    base_buf_add(arg, bytes, count);
    return CAIRO_STATUS_SUCCESS;
}

int report__pdf(const struct report *report, struct base_buf *out, struct base_err *err) {
    struct pdf pdf = {.report = report, .counting = true};
    pdf.surface = cairo_pdf_surface_create_for_stream(take_bytes, out, A4_SHORT, A4_LONG);
    pdf.cr = cairo_create(pdf.surface);
    pdf.layout = pango_cairo_create_layout(pdf.cr);
    set_page(&pdf, wants_across(&pdf));
    set_metadata(&pdf);
    draw_all(&pdf);
    pdf.counting = false;
    draw_all(&pdf);
    cairo_status_t status = cairo_status(pdf.cr);
    g_object_unref(pdf.layout);
    cairo_destroy(pdf.cr);
    cairo_surface_finish(pdf.surface);
    status = status ? status : cairo_surface_status(pdf.surface);
    cairo_surface_destroy(pdf.surface);
    return status ? base_err_set(err, LANTOA_EIO, "PDF: %s", cairo_status_to_string(status)) : 0;
}
