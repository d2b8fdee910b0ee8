/* Time-based regression. */
#include "stats/series.h"

#include "base/tr.h"

struct line {
    double n, x_mean, y_mean, sxx, sxy, syy;
};

static void line_add(struct line *line, double x, double y) {
    double gap_x = x - line->x_mean;
    double gap_y = y - line->y_mean;
    line->n += 1;
    line->x_mean += gap_x / line->n;
    line->y_mean += gap_y / line->n;
    line->sxx += gap_x * (x - line->x_mean);
    line->sxy += gap_x * (y - line->y_mean);
    line->syy += gap_y * (y - line->y_mean);
}

static int read_points(const struct stats_point *points, size_t count, struct line *pre,
    struct line *post, struct base_err *err) {
    if (count > STATS_PERIODS_MAX) {
        return base_err_set(err, LANTOA_ELIMIT, TR("more than %d periods"), STATS_PERIODS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(points[i].treated) || !isfinite(points[i].control)) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("period %zu: the value is no number"), i + 1);
        }
        line_add(points[i].post ? post : pre, points[i].control, points[i].treated);
    }
    if (pre->n < 3 || post->n < 1) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("needs at least 3 periods before the start and one after it"));
    }
    if (!(pre->sxx > 1e-18 * pre->n * pre->x_mean * pre->x_mean)) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("the control series does not move before the start: nothing can be predicted from "
               "it"));
    }
    return 0;
}

static void scale(const struct stats_estimate *effect, double by, struct stats_estimate *out) {
    *out = *effect;
    out->estimate /= by;
    out->se /= by;
    out->low /= by;
    out->high /= by;
}

int stats_tbr(const struct stats_point *points, size_t count, double level, struct stats_tbr *out,
    struct base_err *err) {
    struct line pre = {0};
    struct line post = {0};
    *out = (struct stats_tbr){0};
    stats_estimate_clear(&out->effect);
    stats_estimate_clear(&out->lift);
    int rc = stats_level_check(level, err);
    rc = rc ? rc : read_points(points, count, &pre, &post, err);
    if (rc != 0) {
        return rc;
    }
    double t = post.n;
    out->pre = (size_t)pre.n;
    out->post = (size_t)post.n;
    out->beta = pre.sxy / pre.sxx;
    out->alpha = pre.y_mean - out->beta * pre.x_mean;
    double rss = fmax(0, pre.syy - out->beta * pre.sxy);
    double sigma2 = rss / (pre.n - 2);
    out->sigma = sqrt(sigma2);
    double gap = post.x_mean - pre.x_mean;
    /* V_aa + x2 V_bb + 2x V_ab at the post mean is the variance of the fitted line there. */
    double line_variance = sigma2 * (1 / pre.n + gap * gap / pre.sxx);
    out->expected = t * (out->alpha + out->beta * post.x_mean);
    double effect = t * post.y_mean - out->expected;
    stats_estimate_of(
        effect, sqrt(t * t * line_variance + t * sigma2), pre.n - 2, level, &out->effect);
    if (out->expected > 0) {
        scale(&out->effect, out->expected, &out->lift);
    }
    return 0;
}
