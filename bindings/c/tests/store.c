// Writing and reading back: put, get, scan, delete, log, stats.

#include "check.h"

#include <string.h>

static const char *SHOP =
    "[{\"id\": \"shoe-red\", \"title\": \"Red running shoes\", \"price\": 59, \"tags\": [\"shoes\", \"red\"]},"
    " {\"id\": \"shoe-blue\", \"title\": \"Blue running shoes\", \"price\": 49, \"tags\": [\"shoes\", \"blue\"]},"
    " {\"id\": \"shoe-trail\", \"title\": \"Trail shoes for mountains\", \"price\": 89, \"tags\": [\"shoes\"]},"
    " {\"id\": \"bag-leather\", \"title\": \"Leather bag\", \"price\": 120, \"tags\": [\"bags\"]},"
    " {\"id\": \"bag-canvas\", \"title\": \"Canvas bag\", \"price\": 35, \"tags\": [\"bags\"]},"
    " {\"id\": \"hat-wool\", \"title\": \"Warm wool hat\", \"price\": 20, \"tags\": [\"hats\"]},"
    " {\"id\": \"lamp-desk\", \"title\": \"Desk lamp\", \"price\": 40, \"tags\": [\"home\"]},"
    " {\"id\": \"mug-blue\", \"title\": \"Blue coffee mug\", \"price\": 9.5, \"tags\": [\"home\", \"blue\"]}]";

static const char *EVENTS =
    "{\"user\": \"u7\", \"action\": \"click\", \"item\": \"shoe-red\"}\n"
    "{\"user\": \"u7\", \"action\": \"view\", \"item\": \"shoe-trail\"}\n"
    "{\"user\": \"u8\", \"action\": \"buy\", \"item\": \"bag-leather\", \"value\": 120}\n"
    "{\"user\": \"u9\", \"action\": \"search\", \"query\": \"blue mug\"}\n";

static void pages(onelist_engine *db) {
    char *page = NULL;
    size_t length = 0;
    CHECK_STATUS(ONELIST_OK, onelist_scan(db, NULL, 0, 2, &page, &length));
    CHECK(page != NULL && strlen(page) == length && strncmp(page, "[{\"id\":\"shoe-red\",", 18) == 0);
    CHECK(page != NULL && contains(page, "{\"id\":\"shoe-blue\",") && !contains(page, "shoe-trail"));
    onelist_string_free(&page);
    CHECK_STATUS(ONELIST_OK, onelist_scan(db, "shoe-blue", 9, 100, &page, NULL));
    CHECK(page != NULL && strncmp(page, "[{\"id\":\"shoe-trail\",", 20) == 0 && contains(page, "mug-blue"));
    onelist_string_free(&page);
    CHECK_STATUS(ONELIST_OK, onelist_scan(db, "mug-blue", 8, 100, &page, NULL));
    CHECK(page != NULL && strcmp(page, "[]") == 0);
    onelist_string_free(&page);
}

// Ids may hold any UTF-8, NUL included.
static void odd_ids(onelist_engine *db) {
    char *text = NULL;
    size_t deleted = 0;
    const char *ids = "[\"a\\u0000b\", \"nobody\"]";
    CHECK_STATUS(ONELIST_OK, put(db, "{\"id\": \"a\\u0000b\", \"n\": 0.30000000000000004, \"when\": {\"date\": -1.5}}"));
    CHECK_STATUS(ONELIST_OK, onelist_get(db, ids, strlen(ids), &text, NULL));
    const char *expected = "[{\"id\":\"a\\u0000b\",\"n\":0.30000000000000004,\"when\":{\"date\":-1.5}},null]";
    CHECK(text != NULL && strcmp(text, expected) == 0);
    onelist_string_free(&text);
    CHECK_STATUS(ONELIST_OK, onelist_scan(db, "a\0b", 3, 10, &text, NULL));
    CHECK(text != NULL && strcmp(text, "[]") == 0);
    onelist_string_free(&text);
    CHECK_STATUS(ONELIST_OK, onelist_delete(db, ids, strlen(ids), &deleted));
    CHECK(deleted == 1);
    CHECK_STATUS(ONELIST_OK, onelist_delete(db, ids, strlen(ids), NULL));
}

static bool reads(onelist_engine *db, const char *ids, const char *expected) {
    char *text = NULL;
    bool equal = onelist_get(db, ids, strlen(ids), &text, NULL) == ONELIST_OK && strcmp(text, expected) == 0;
    onelist_string_free(&text);
    return equal;
}

static onelist_status called(onelist_engine *db, const char *method, const char *arguments, char **answer) {
    return onelist_call(db, method, strlen(method), arguments, strlen(arguments), answer, NULL);
}

// Whole numbers stay exact, lists stay lists, several bad rows are named at once.
static void values(onelist_engine *db) {
    const char *big = "[\"big\"]", *ids = "[\"big\", \"next\"]";
    size_t deleted = 0;
    char *answer = NULL;
    CHECK_STATUS(ONELIST_OK, put(db, "[{\"id\": \"big\", \"serial\": 9223372036854775813, \"sizes\": [38, 39.5], \"none\": null},"
                                     " {\"id\": \"next\", \"serial\": 9223372036854775814, \"sizes\": []}]"));
    CHECK(reads(db, big, "[{\"id\":\"big\",\"serial\":9223372036854775813,\"sizes\":[38,39.5]}]"));
    const char *found = ranked(db, "{\"filter\": {\"serial\": 9223372036854775813}}");
    CHECK(hits(found) == 1 && has_hit(found, "big"));
    found = ranked(db, "{\"filter\": {\"sizes\": {\">\": 39}}}");
    CHECK(hits(found) == 1 && has_hit(found, "big"));
    CHECK_STATUS(ONELIST_OK, called(db, "update", "{\"items\": [{\"id\": \"big\", \"sizes\": null, \"serial\": 7}]}", &answer));
    char *token = NULL;
    CHECK_STATUS(ONELIST_OK, called(db, "token", "{}", &token));
    CHECK(answer && token && strcmp(answer, token) == 0);
    onelist_string_free(&token);
    onelist_string_free(&answer);
    CHECK(reads(db, big, "[{\"id\":\"big\",\"serial\":7}]"));
    CHECK_ERROR(ONELIST_INPUT, "UnknownItem", called(db, "update", "{\"items\": [{\"id\": \"nobody\"}]}", &answer));
    CHECK_ERROR(ONELIST_INPUT, "BadRows", put(db, "[{\"id\": \"r0\"}, {\"id\": \"r1\", \"serial\": \"x\"}, {\"id\": \"\"}, 5]"));
    CHECK(contains(onelist_last_error_message(), "items[1] `r1`, field `serial`: expected number, found text"));
    CHECK(contains(onelist_last_error_message(), "items[2]") && contains(onelist_last_error_message(), "items[3]"));
    CHECK_ERROR(ONELIST_INPUT, "BadRows", log_events(db, "[{\"user\": \"u\", \"action\": \"view\"}, {\"action\": \"view\"}]"));
    CHECK(contains(onelist_last_error_message(), "events[0] `u`") && contains(onelist_last_error_message(), "events[1]"));
    CHECK_STATUS(ONELIST_OK, called(db, "rename_field", "{\"name\": \"serial\", \"to\": \"number\"}", &answer));
    CHECK(contains(answer, "\"changed\":2"));
    onelist_string_free(&answer);
    CHECK_STATUS(ONELIST_OK, called(db, "schema", "{}", &answer));
    CHECK(contains(answer, "\"number\":{\"kind\":\"number\",\"items\":2") && !contains(answer, "serial"));
    onelist_string_free(&answer);
    CHECK_STATUS(ONELIST_OK, onelist_delete(db, ids, strlen(ids), &deleted));
    CHECK(deleted == 2);
}

void test_store(onelist_engine *db) {
    CHECK_STATUS(ONELIST_OK, put(db, SHOP));
    CHECK_STATUS(ONELIST_OK, log_events(db, EVENTS));
    CHECK_STATUS(ONELIST_OK, put(db, "[]"));
    CHECK_STATUS(ONELIST_OK, log_events(db, ""));
    pages(db);
    odd_ids(db);
    values(db);
    CHECK_STATUS(ONELIST_OK, onelist_flush(db));

    char *stats = NULL;
    CHECK_STATUS(ONELIST_OK, onelist_stats(db, &stats, NULL));
    CHECK(stats != NULL && contains(stats, "\"items\":8,") && contains(stats, "\"events\":4,"));
    CHECK(stats != NULL && contains(stats, "\"users\":3,") && contains(stats, "\"poisoned\":null"));
    onelist_string_free(&stats);
}
