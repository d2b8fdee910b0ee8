/* The effect on those who were reached. */
#include "stats/cace.h"

#include "base/tr.h"
#include "stats/number.h"

int stats_cace(const struct stats_estimate *itt, struct stats_pair contact, double level,
    struct stats_estimate *out, double *first_stage_z_out, struct base_err *err) {
    struct stats_estimate first;
    stats_estimate_clear(out);
    int rc = stats_wald(contact, level, &first, err);
    if (rc != 0) {
        return rc;
    }
    /* Everybody reached against nobody has no spread and is the strongest instrument. */
    double z =
        first.se > 0 ? first.estimate / first.se : (first.estimate > 0 ? (double)INFINITY : 0);
    if (first_stage_z_out) {
        *first_stage_z_out = z;
    }
    if (!(z >= STATS_FIRST_STAGE_Z)) {
        return base_err_set(err, LANTOA_ESTATE,
            TR("refused: the arms hardly differ in who was reached (z %s, needs %s)"),
            stats_number_fixed(z, 2).text, stats_number_fixed(STATS_FIRST_STAGE_Z, 1).text);
    }
    stats_estimate_of(
        itt->estimate / first.estimate, itt->se / first.estimate, itt->df, level, out);
    return 0;
}
