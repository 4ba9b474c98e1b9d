// What is made of the log, on the shop that store.c has put: a training file, and a tuning, for which it is too small.

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void exported(onelist_engine *db) {
    char path[] = "/tmp/onelist-c-training-XXXXXX";
    int file = mkstemp(path);
    if (!CHECK(file >= 0)) {
        return;
    }
    close(file);
    const char *plan = "{\"requests\": 10, \"negatives\": 2}";
    char *out = NULL;
    size_t length = 0;
    CHECK_STATUS(ONELIST_OK, onelist_export_training(db, path, strlen(path), plan, strlen(plan), &out, &length));
    CHECK(out != NULL && strlen(out) == length && contains(out, "{\"requests\":") && !contains(out, "\"rows\":0"));
    onelist_string_free(&out);
    char magic[4] = "";
    FILE *written = fopen(path, "rb");
    CHECK(written != NULL && fread(magic, 1, 4, written) == 4 && memcmp(magic, "PAR1", 4) == 0);
    if (written != NULL) {
        fclose(written);
    }
    CHECK(remove(path) == 0);
    const char *wrong = "{\"negative\": 2}";
    CHECK_ERROR(ONELIST_INPUT, "UnknownField",
                onelist_export_training(db, path, strlen(path), wrong, strlen(wrong), &out, NULL));
    CHECK_STATUS(ONELIST_INPUT, onelist_export_training(db, NULL, 0, NULL, 0, &out, NULL));
    CHECK(out == NULL);
}

void test_tuning(onelist_engine *db) {
    exported(db);
    char *out = NULL;
    size_t length = 0;
    CHECK_STATUS(ONELIST_OK, onelist_tune(db, &out, &length));
    CHECK(out != NULL && strlen(out) == length && contains(out, "\"version\":0") && contains(out, "\"sets\":[]"));
    onelist_string_free(&out);
    CHECK_STATUS(ONELIST_OK, onelist_tunings(db, &out, NULL));
    CHECK(out != NULL && strcmp(out, "{\"in_force\":0,\"tunings\":[]}") == 0);
    onelist_string_free(&out);
    CHECK_STATUS(ONELIST_OK, onelist_use_tuning(db, 0));
    CHECK(contains(ranked(db, "{\"user\": \"u7\"}"), "\"weights_version\":0"));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_use_tuning(db, 3));
    size_t changed = 9;
    CHECK_STATUS(ONELIST_OK, onelist_rebuild_cooccurrence(db));
    CHECK_STATUS(ONELIST_OK, onelist_verify_signals(db, &changed));
    CHECK(changed == 0);
    CHECK_STATUS(ONELIST_OK, onelist_verify_signals(db, NULL));
    size_t fitted = 9;
    CHECK_STATUS(ONELIST_OK, onelist_fit_space(db, &fitted));
    CHECK(fitted == 0);
    CHECK_STATUS(ONELIST_OK, onelist_fit_space(db, NULL));
    CHECK_STATUS(ONELIST_OK, onelist_verify_vectors(db, &changed));
    CHECK(changed == 0);
    CHECK_STATUS(ONELIST_OK, onelist_verify_vectors(db, NULL));
    const char *event = "{\"user\": \"u5\", \"action\": \"buy\", \"item\": \"mug-blue\", \"segments\": {\"country\": \"UK\"}}";
    CHECK_STATUS(ONELIST_OK, onelist_log(db, event, strlen(event)));
    CHECK_STATUS(ONELIST_OK, onelist_flush(db));
    CHECK(contains(ranked(db, "{\"segments\": {\"country\": \"UK\"}}"), "\"source\":\"segment\""));
    CHECK(!contains(ranked(db, "{\"segments\": {\"country\": \"FR\"}}"), "\"source\":\"segment\""));
    const char *wrong = "{\"user\": \"u5\", \"action\": \"buy\", \"item\": \"mug-blue\", \"segments\": {\"country\": 3}}";
    CHECK_STATUS(ONELIST_INPUT, onelist_log(db, wrong, strlen(wrong)));
    size_t removed = 9;
    CHECK_STATUS(ONELIST_OK, onelist_apply_retention(db, &removed));
    CHECK(removed == 0);
    CHECK_STATUS(ONELIST_OK, onelist_apply_retention(db, NULL));
    CHECK_STATUS(ONELIST_INPUT, onelist_tune(db, NULL, NULL));
    CHECK_STATUS(ONELIST_INPUT, onelist_tunings(db, NULL, NULL));
    CHECK_STATUS(ONELIST_INPUT, onelist_use_tuning(NULL, 0));
}
