// The life cycle of a model, and adapters, on the shop that store.c has put. The model beside the shipped one is a copy of it:
// what differs is which of them answers.

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const SHIPPED = "../../engine/model";

static bool lists(onelist_engine *db, const char *part) {
    char *out = NULL;
    size_t length = 0;
    bool found = CHECK_STATUS(ONELIST_OK, onelist_models(db, &out, &length)) && strlen(out) == length && contains(out, part);
    onelist_string_free(&out);
    return found;
}

static void life_cycle(onelist_engine *db) {
    CHECK(lists(db, "{\"active\":0,\"before\":null,\"versions\":[{\"version\":0,\"name\":\"onelist-zero"));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_roll_back_model(db, NULL));
    char *out = NULL;
    size_t length = 0;
    CHECK_STATUS(ONELIST_OK, onelist_load_model(db, SHIPPED, strlen(SHIPPED), &out, &length));
    CHECK(out != NULL && strlen(out) == length && contains(out, "{\"version\":1,") && contains(out, "\"active\":false"));
    onelist_string_free(&out);
    CHECK_ERROR(ONELIST_ENVIRONMENT, "ModelRefused", onelist_load_model(db, "nowhere", 7, &out, NULL));
    CHECK(out == NULL);

    const char *requests = "[{\"query\": \"red shoes\"}, {\"user\": \"u7\"}]";
    CHECK_STATUS(ONELIST_OK, onelist_shadow_model(db, 1, requests, strlen(requests), 0, &out, &length));
    CHECK(out != NULL && strlen(out) == length && contains(out, "\"requests\":2,\"common_top_10\":1.0"));
    onelist_string_free(&out);
    CHECK_STATUS(ONELIST_OK, onelist_shadow_model(db, 1, NULL, 0, 5, &out, NULL));
    CHECK(out != NULL && contains(out, "\"requests\":5"));
    onelist_string_free(&out);
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_shadow_model(db, 9, NULL, 0, 5, &out, NULL));

    CHECK_STATUS(ONELIST_OK, onelist_promote_model(db, 1));
    CHECK(lists(db, "{\"active\":1,\"before\":0,"));
    CHECK(is_first(ranked(db, "{\"query\": \"red shoes\"}"), "shoe-red"));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_promote_model(db, 7));
    size_t removed = 9;
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_unload_model(db, 1, &removed));
    CHECK(removed == 0);
    uint64_t live = 9;
    CHECK_STATUS(ONELIST_OK, onelist_roll_back_model(db, &live));
    CHECK(live == 0);
    CHECK_STATUS(ONELIST_OK, onelist_unload_model(db, 5, &removed));
    CHECK(removed == 0);
    CHECK_STATUS(ONELIST_INPUT, onelist_models(db, NULL, NULL));
    CHECK_STATUS(ONELIST_INPUT, onelist_promote_model(NULL, 0));
}

static void adapters(onelist_engine *db) {
    char *out = NULL;
    const char *unknown = "{\"adapter\": \"shoes\"}";
    CHECK_ERROR(ONELIST_INPUT, "UnknownAdapter", onelist_rank(db, unknown, strlen(unknown), &out, NULL));
    CHECK_ERROR(ONELIST_ENVIRONMENT, "ModelRefused", onelist_load_adapter(db, "shoes", 5, "nowhere", 7, &out, NULL));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_load_adapter(db, "", 0, "nowhere", 7, &out, NULL));
    CHECK(out == NULL);
    size_t removed = 9;
    CHECK_STATUS(ONELIST_OK, onelist_unload_adapter(db, "shoes", 5, &removed));
    CHECK(removed == 0);
    CHECK_STATUS(ONELIST_INPUT, onelist_unload_adapter(db, NULL, 0, NULL));
}

void test_models(onelist_engine *db) {
    life_cycle(db);
    adapters(db);
}
