/* The effect on those who were reached (F13): the intention-to-treat effect over the difference in
 * contact between the arms. */
#ifndef STATS_CACE_H
#define STATS_CACE_H

#include "stats/rate.h"

#define STATS_FIRST_STAGE_Z 3.2 /* F about 10: below it the instrument is weak */

/* itt: any estimate of the same trial (its df and level are taken over); contact: people reached of
 * people assigned. se = se(ITT)/(c1 - c0). LANTOA_ESTATE when z of the difference in contact is
 * below STATS_FIRST_STAGE_Z. first_stage_z_out may be NULL. */
int stats_cace(const struct stats_estimate *itt, struct stats_pair contact, double level,
    struct stats_estimate *out, double *first_stage_z_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
