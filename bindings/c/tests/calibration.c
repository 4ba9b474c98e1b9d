// Calibrating, on the shop that store.c has put: its log is too small to be fitted to, and says so.

#include "check.h"

#include <string.h>

void test_calibration(onelist_engine *db) {
    char *out = NULL;
    size_t length = 0;
    CHECK_STATUS(ONELIST_OK, onelist_calibrate(db, &out, &length));
    CHECK(out != NULL && strlen(out) == length && contains(out, "\"version\":0") && contains(out, "\"sets\":[]"));
    onelist_string_free(&out);
    CHECK_STATUS(ONELIST_OK, onelist_calibrations(db, &out, NULL));
    CHECK(out != NULL && strcmp(out, "{\"in_force\":0,\"calibrations\":[]}") == 0);
    onelist_string_free(&out);
    CHECK_STATUS(ONELIST_OK, onelist_use_calibration(db, 0));
    CHECK(contains(ranked(db, "{\"user\": \"u7\"}"), "\"weights_version\":0"));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_use_calibration(db, 3));
    CHECK_STATUS(ONELIST_INPUT, onelist_calibrate(db, NULL, NULL));
    CHECK_STATUS(ONELIST_INPUT, onelist_calibrations(db, NULL, NULL));
    CHECK_STATUS(ONELIST_INPUT, onelist_use_calibration(NULL, 0));
}
