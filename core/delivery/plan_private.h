/* Shared by plan.c and plan_steps.c only. */
#ifndef DELIVERY_PLAN_PRIVATE_H
#define DELIVERY_PLAN_PRIVATE_H

#include "campaign/spec.h"
#include "store/db.h"

/* Inside the caller's transaction. */
int plan__insert_steps(struct db *db, int64_t campaign_id, const struct campaign_spec *spec,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
