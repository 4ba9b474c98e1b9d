// The four cells of the grid, and every part of a request, on the shop that store.c has put.

#include "check.h"

#include <stdio.h>
#include <string.h>

static void four_cells(onelist_engine *db) {
    const char *ranking = ranked(db, "{}");
    CHECK(hits(ranking) == 8 && contains(ranking, "{\"rank_id\":\""));

    ranking = ranked(db, "{\"query\": \"red shoes\"}");
    CHECK(is_first(ranking, "shoe-red") && contains(ranking, "\"source\":\"lexical\""));

    ranking = ranked(db, "{\"user\": \"u7\"}");
    CHECK(hits(ranking) > 0);

    ranking = ranked(db, "{\"query\": \"running shoes\", \"user\": \"u7\"}");
    CHECK(is_first(ranking, "shoe-red") || is_first(ranking, "shoe-blue"));

    // No request at all is a first visit.
    char *text = NULL;
    CHECK_STATUS(ONELIST_OK, onelist_rank(db, NULL, 0, &text, NULL));
    CHECK(text != NULL && hits(text) == 8);
    onelist_string_free(&text);
}

static void evaluation(onelist_engine *db) {
    const char *plan = "{\"queries\": [{\"query\": \"red shoes\", \"grades\": {\"shoe-red\": 3, \"gone\": 1}}], \"next_item\": false}";
    char *report = NULL;
    size_t length = 0;
    CHECK_STATUS(ONELIST_OK, onelist_evaluate(db, plan, strlen(plan), &report, &length));
    CHECK(report != NULL && length == strlen(report));
    CHECK(contains(report, "\"name\":\"BM25 alone\"") && contains(report, "\"point_in_time\""));
    onelist_string_free(&report);

    CHECK_STATUS(ONELIST_OK, onelist_questions(db, plan, strlen(plan), &report, &length));
    CHECK(report != NULL && length == strlen(report));
    CHECK(contains(report, "\"query\":\"red shoes\"") && contains(report, "\"targets_hash\":\""));
    CHECK(!contains(report, "shoe-red"));
    onelist_string_free(&report);

    const char *others = "{\"external\": [{\"name\": \"x\", \"targets_hash\": \"y\", \"answers\": {\"0\": [\"shoe-red\"]}}],"
                         " \"queries\": [{\"query\": \"red shoes\", \"grades\": {\"shoe-red\": 3}}], \"next_item\": false}";
    CHECK_STATUS(ONELIST_INPUT, onelist_evaluate(db, others, strlen(others), &report, NULL));
    CHECK(report == NULL && contains(onelist_last_error_message(), "external system `x`"));

    const char *wrong = "{\"protocol\": \"tomorrow\"}";
    CHECK_STATUS(ONELIST_INPUT, onelist_evaluate(db, wrong, strlen(wrong), &report, NULL));
    CHECK(report == NULL && contains(onelist_last_error_message(), "plan.protocol"));
}

static void odd_requests(onelist_engine *db) {
    CHECK(hits(ranked(db, "{\"user\": \"nobody has seen me\"}")) == 8);
    CHECK(hits(ranked(db, "{\"query\": \"\"}")) > 0);
    CHECK(hits(ranked(db, "{\"query\": \"the of and\"}")) > 0);
    CHECK(hits(ranked(db, "{\"history\": [\"no such item\"]}")) > 0);
    CHECK(hits(ranked(db, "{\"limit\": 0}")) == 0);
    CHECK(hits(ranked(db, "{\"limit\": 3, \"offset\": 6}")) == 2);
}

static void filters(onelist_engine *db) {
    const char *ranking = ranked(db, "{\"filter\": {\"price\": {\"<\": 40}}}");
    CHECK(hits(ranking) == 3 && has_hit(ranking, "hat-wool") && has_hit(ranking, "mug-blue") && has_hit(ranking, "bag-canvas"));
    ranking = ranked(db, "{\"query\": \"shoes\", \"filter\": {\"price\": {\">=\": 49, \"<=\": 59}, \"tags\": \"shoes\"}}");
    CHECK(hits(ranking) == 2 && has_hit(ranking, "shoe-red") && has_hit(ranking, "shoe-blue"));
    ranking = ranked(db, "{\"filter\": {\"tags\": {\"in\": [\"hats\", \"bags\"]}, \"not\": {\"title\": {\"match\": \"leather\"}}}}");
    CHECK(hits(ranking) == 2 && has_hit(ranking, "hat-wool") && has_hit(ranking, "bag-canvas"));
    ranking = ranked(db, "{\"filter\": {\"or\": [{\"price\": 20}, {\"title\": \"Desk lamp\"}]}}");
    CHECK(hits(ranking) == 2 && has_hit(ranking, "hat-wool") && has_hit(ranking, "lamp-desk"));
    CHECK(hits(ranked(db, "{\"filter\": {\"tags\": \"nothing has this\"}}")) == 0);
}

static void parts(onelist_engine *db) {
    const char *ranking = ranked(db, "{\"like\": [\"shoe-red\"]}");
    CHECK(hits(ranking) > 0 && !has_hit(ranking, "shoe-red") && contains(ranking, "\"source\":\"similar\""));

    ranking = ranked(db, "{\"query\": \"shoes\", \"among\": [\"hat-wool\", \"shoe-trail\", \"no such item\"]}");
    CHECK(hits(ranking) == 2 && is_first(ranking, "shoe-trail") && has_hit(ranking, "hat-wool"));
    CHECK(hits(ranked(db, "{\"among\": []}")) == 0);

    ranking = ranked(db, "{\"user\": \"u7\", \"exclude_seen\": true}");
    CHECK(hits(ranking) == 6 && !has_hit(ranking, "shoe-red") && !has_hit(ranking, "shoe-trail"));
    ranking = ranked(db, "{\"exclude\": [\"hat-wool\"]}");
    CHECK(hits(ranking) == 7 && !has_hit(ranking, "hat-wool"));

    ranking = ranked(db, "{\"query\": \"red shoes\", \"explain\": true, \"fields\": [\"price\"]}");
    CHECK(contains(ranking, "\"why\":{\"line\":\"") && contains(ranking, "\"contributions\":{\""));
    CHECK(contains(ranking, "\"fields\":{\"price\":59}") && !contains(ranking, "title\":"));
    CHECK(!contains(ranked(db, "{\"query\": \"red shoes\"}"), "\"why\""));
}

static void read_your_writes(onelist_engine *db) {
    CHECK_STATUS(ONELIST_OK, put(db, "{\"id\": \"kite\", \"title\": \"Stunt kite\", \"price\": 30, \"tags\": [\"toys\"]}"));
    CHECK(is_first(ranked(db, "{\"query\": \"kite\"}"), "kite"));
    CHECK(hits(ranked(db, "{\"filter\": {\"tags\": \"toys\"}}")) == 1);
    size_t deleted = 0;
    CHECK_STATUS(ONELIST_OK, onelist_delete(db, "[\"kite\"]", 8, &deleted));
    CHECK(deleted == 1 && !has_hit(ranked(db, "{\"query\": \"kite\"}"), "kite"));
}

static void many(onelist_engine *db) {
    const char *requests = "[{\"query\": \"red shoes\"}, {\"user\": \"u7\", \"limit\": 2}, {\"filter\": {\"price\": 20}}]";
    char *rankings = NULL;
    size_t length = 0;
    CHECK_STATUS(ONELIST_OK, onelist_rank_many(db, requests, strlen(requests), &rankings, &length));
    if (CHECK(rankings != NULL && strlen(rankings) == length)) {
        // The three answers stand one after the other; each must be what the single request gives.
        char *second = strstr(rankings + 2, "{\"rank_id\":");
        char *third = second == NULL ? NULL : strstr(second + 1, "{\"rank_id\":");
        if (CHECK(second != NULL && third != NULL)) {
            CHECK(hits(third) == 1 && is_first(third, "hat-wool"));
            third[-1] = '\0';
            CHECK(hits(second) == 2);
            second[-1] = '\0';
            CHECK(is_first(rankings, "shoe-red"));
        }
    }
    onelist_string_free(&rankings);
    CHECK_STATUS(ONELIST_OK, onelist_rank_many(db, "[]", 2, &rankings, NULL));
    CHECK(rankings != NULL && strcmp(rankings, "[]") == 0);
    onelist_string_free(&rankings);
    CHECK_STATUS(ONELIST_INPUT, onelist_rank_many(db, "[{}, {\"limit\": \"ten\"}]", 22, &rankings, NULL));
    CHECK(contains(onelist_last_error_message(), "requests[1].limit"));
}

void test_ranking(onelist_engine *db) {
    four_cells(db);
    odd_requests(db);
    filters(db);
    parts(db);
    read_your_writes(db);
    many(db);
    evaluation(db);
}
