// Wrong arguments, wrong handles, wrong order: each is a status and a message, and nothing else happens.

#include "check.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static onelist_status open_here(const char *directory, const char *config, onelist_engine **db) {
    return onelist_open(directory, strlen(directory), config, config == NULL ? 0 : strlen(config), db);
}

static void opening(const char *directory) {
    onelist_engine *db = (onelist_engine *)1;
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_open(NULL, 0, NULL, 0, &db));
    CHECK(db == NULL);
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_open(NULL, 5, NULL, 0, &db));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_open(directory, strlen(directory), NULL, 5, &db));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_open(directory, strlen(directory), NULL, 0, NULL));
    CHECK_ERROR(ONELIST_INPUT, "LimitExceeded", onelist_open(directory, SIZE_MAX, NULL, 0, &db));
    CHECK_ERROR(ONELIST_INPUT, "InvalidUtf8", onelist_open("ab\xff", 3, NULL, 0, &db));
    CHECK(contains(onelist_last_error_message(), "offset 2"));
    CHECK_ERROR(ONELIST_INPUT, "UnknownField", open_here(directory, "{\"provder\": \"cpu\"}", &db));
    CHECK(contains(onelist_last_error_message(), "config.provder"));
    CHECK(contains(onelist_last_error_message(), "provider_fallback"));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", open_here(directory, "{\"threads_per_session\": 0}", &db));
    // This comes before the first engine: ONNX Runtime is loaded once for a process.
    CHECK_ERROR(ONELIST_ENVIRONMENT, "RuntimeMissing", open_here(directory, "{\"onnxruntime\": \"/nowhere\"}", &db));
    CHECK(db == NULL);
}

static void handles(const char *directory) {
    onelist_engine *db = NULL, *other = NULL;
    char *text = (char *)1;
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_close(NULL));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_close(&db));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_flush(NULL));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_stats((onelist_engine *)directory, &text, NULL));
    CHECK(text == NULL);

    if (!CHECK_STATUS(ONELIST_OK, open_here(directory, NULL, &db))) {
        return;
    }
    CHECK(strcmp(onelist_last_error_message(), "") == 0 && strcmp(onelist_last_error_name(), "") == 0);
    CHECK_ERROR(ONELIST_BUSY, "AlreadyOpen", open_here(directory, "{\"strict\": true}", &other));
    CHECK(other == NULL);

    onelist_engine *copy = db, *second_copy = db;
    CHECK_STATUS(ONELIST_OK, onelist_close(&db));
    CHECK(db == NULL);
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_close(&db));
    CHECK_ERROR(ONELIST_BUSY, "Closed", put(copy, "[{\"id\": \"a\"}]"));
    CHECK_ERROR(ONELIST_BUSY, "Closed", onelist_close(&copy));
    CHECK(copy == NULL);

    // A new engine takes the same slot; the stale handle does not reach it.
    CHECK_STATUS(ONELIST_OK, open_here(directory, NULL, &other));
    CHECK(other != NULL && other != second_copy);
    CHECK_ERROR(ONELIST_BUSY, "Closed", onelist_close(&second_copy));
    CHECK_STATUS(ONELIST_OK, onelist_flush(other));
    CHECK_STATUS(ONELIST_OK, onelist_close(&other));
}

static void arguments(onelist_engine *db) {
    char *text = NULL;
    size_t length = 7;
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_put(db, NULL, 0));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_log(db, NULL, 9));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_delete(db, NULL, 0, NULL));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_get(db, "[]", 2, NULL, NULL));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_get(db, "[]", 2, (char **)((uintptr_t)&text + 1), NULL));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_rank(db, "{}", 2, NULL, &length));
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_rank_many(db, NULL, 0, &text, &length));
    CHECK(text == NULL && length == 0);
    CHECK_ERROR(ONELIST_INPUT, "LimitExceeded", onelist_put(db, "[]", SIZE_MAX));
    CHECK_ERROR(ONELIST_INPUT, "InvalidUtf8", onelist_put(db, "[{\"id\": \"\xed\xa0\x80\"}]", 15));
    CHECK(contains(onelist_last_error_message(), "offset 9"));
    onelist_string_free(NULL);
    onelist_string_free(&text);
    CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_scan(db, "no such id", 10, 10, &text, NULL));
    CHECK_ERROR(ONELIST_INPUT, "LimitExceeded", onelist_scan(db, NULL, 0, SIZE_MAX, &text, NULL));
}

static void json(onelist_engine *db) {
    const char *garbage[] = {"{", "nonsense", "[1]", "{\"id\": 5}", "[{\"id\": \"a\", \"x\": 1e400}]", "[{\"title\": \"x\"}]"};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        CHECK_STATUS(ONELIST_INPUT, put(db, garbage[i]));
        CHECK_STATUS(ONELIST_INPUT, log_events(db, garbage[i]));
    }
    CHECK_STATUS(ONELIST_INPUT, put(db, "[{\"id\": \"a\", \"price\": 1}, {\"id\": \"b\", \"price\": {\"amount\": 5}}]"));
    CHECK(contains(onelist_last_error_message(), "items[1].price"));

    char *text = NULL;
    const char *typo = "{\"qurey\": \"shoes\"}";
    CHECK_ERROR(ONELIST_INPUT, "UnknownField", onelist_rank(db, typo, strlen(typo), &text, NULL));
    CHECK(text == NULL && contains(onelist_last_error_message(), "request.qurey"));
    // An empty store knows no field, and has nothing to filter; one with an item knows which fields there are.
    CHECK_STATUS(ONELIST_OK, put(db, "{\"id\": \"known\", \"price\": 1}"));
    const char *unknown = "{\"filter\": {\"nosuchfield\": 1}}";
    CHECK_ERROR(ONELIST_INPUT, "UnknownField", onelist_rank(db, unknown, strlen(unknown), &text, NULL));
    CHECK(contains(onelist_last_error_message(), "price"));

    // A batch is atomic: the good item before the bad one is not there.
    CHECK_STATUS(ONELIST_INPUT, put(db, "[{\"id\": \"good\"}, {\"id\": \"\"}]"));
    CHECK_STATUS(ONELIST_OK, onelist_get(db, "[\"good\"]", 8, &text, NULL));
    CHECK(text != NULL && strcmp(text, "[null]") == 0);
    onelist_string_free(&text);

    static char deep[200000];
    memset(deep, '[', sizeof deep);
    CHECK_STATUS(ONELIST_INPUT, onelist_put(db, deep, sizeof deep));
}

void test_errors(const char *directory) {
    CHECK(onelist_abi_version() == ONELIST_ABI_VERSION);
    CHECK(strlen(onelist_version()) > 0);
    opening(directory);
    handles(directory);
    onelist_engine *db = NULL;
    if (CHECK_STATUS(ONELIST_OK, open_here(directory, NULL, &db))) {
        arguments(db);
        json(db);
        CHECK_STATUS(ONELIST_OK, onelist_close(&db));
    }
}
