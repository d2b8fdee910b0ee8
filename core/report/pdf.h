/* What the files of the PDF form share: a page, a pen, and where it stands. Points throughout. */
#ifndef REPORT_PDF_H
#define REPORT_PDF_H

#include "report/private.h"

/* cairo.h and pango/pango-layout.h */
typedef struct _cairo_surface cairo_surface_t;
typedef struct _PangoLayout PangoLayout;

enum pdf_weight { PDF_PLAIN, PDF_BOLD, PDF_ITALIC };

struct pdf {
    const struct report *report;
    cairo_surface_t *surface;
    cairo_t *cr;
    PangoLayout *layout;
    bool counting; /* the first turn only finds out how many pages there are */
    int page, pages;
    double width, height;            /* of the page */
    double left, right, top, bottom; /* where the text stands */
    double y;
    double after; /* height that must stand on the same page as the end of the block at hand */
};

/* Sets the font for what is measured and drawn next. size in points. */
void report__pdf_font(struct pdf *pdf, double size, enum pdf_weight weight);
/* Text in a column of this width, from the top y: draws it unless counting. Returns its height.
 * share 0: left, 0.5: centred, 1: right. */
double report__pdf_text(
    struct pdf *pdf, double x, double y, double width, double share, const char *text, bool wrap);
double report__pdf_text_width(struct pdf *pdf, const char *text);
double report__pdf_text_height(struct pdf *pdf, double width, const char *text);
void report__pdf_line(struct pdf *pdf, double x1, double y1, double x2, double y2, double width);
/* Ends the page with its foot and begins the next. */
void report__pdf_turn(struct pdf *pdf);
/* A new page unless this height still fits. */
void report__pdf_need(struct pdf *pdf, double height);

void report__pdf_table(struct pdf *pdf, const struct report_table *table);
/* The width that the table wants, to choose between upright and across. */
double report__pdf_table_width(struct pdf *pdf, const struct report_table *table);

#endif
