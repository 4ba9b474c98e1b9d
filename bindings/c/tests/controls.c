// What a request asks of its list, on the shop that store.c has put: diversity, caps, rules, scenarios, pages.

#include "check.h"

#include <stdio.h>
#include <string.h>

// The text under "next_page_token" of a ranking; false when it is null.
static bool next_of(const char *ranking, char *token, size_t size) {
    const char *found = strstr(ranking, "\"next_page_token\":\"");
    if (found == NULL) {
        return false;
    }
    found += strlen("\"next_page_token\":\"");
    size_t length = strcspn(found, "\"");
    if (!CHECK(length < size)) {
        return false;
    }
    memcpy(token, found, length);
    token[length] = '\0';
    return true;
}

static void order(onelist_engine *db) {
    const char *ranking = ranked(db, "{\"query\": \"shoes\", \"diversity\": 0.9, \"explain\": true}");
    CHECK(hits(ranking) == 8 && contains(ranking, "\"by\":\"diversity\""));
    ranking = ranked(db, "{\"query\": \"shoes\", \"caps\": [{\"field\": \"tags\", \"most\": 1}], \"explain\": true}");
    CHECK(hits(ranking) == 8 && contains(ranking, "\"by\":\"caps\""));
    ranking = ranked(db, "{\"query\": \"shoes\", \"unlike\": [\"shoe-red\"], \"explain\": true}");
    CHECK(hits(ranking) == 7 && !has_hit(ranking, "shoe-red") && contains(ranking, "\"unlike\":-"));
    ranking = ranked(db, "{\"user\": \"u7\", \"match_history_mix\": {\"field\": \"tags\", \"strength\": 0.5}}");
    CHECK(hits(ranking) == 8);
    ranking = ranked(db, "{\"user\": \"u7\", \"personalization\": \"off\", \"exclude_seen\": true}");
    CHECK(hits(ranking) == 6);
    ranking = ranked(db, "{\"user\": \"u7\", \"exclude_seen\": {\"actions\": [\"share\"]}}");
    CHECK(hits(ranking) == 8);
}

static void refused(onelist_engine *db) {
    char *out = NULL;
    const char *wrong[] = {
        "{\"diversity\": 2}",
        "{\"personalization\": \"loud\"}",
        "{\"caps\": [{\"field\": \"tags\", \"most\": 0}]}",
        "{\"rules\": [{\"rule\": \"pin\", \"item\": \"a\", \"position\": 0}]}",
        "{\"page_token\": \"no token\"}",
        "{\"exclude_seen\": {\"within_days\": -1}}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", onelist_rank(db, wrong[i], strlen(wrong[i]), &out, NULL));
        CHECK(out == NULL);
    }
    const char *unknown = "{\"scenario\": \"no such\"}";
    CHECK_ERROR(ONELIST_INPUT, "UnknownScenario", onelist_rank(db, unknown, strlen(unknown), &out, NULL));
}

static void scenarios(onelist_engine *db) {
    const char *sale = "[{\"rule\": \"pin\", \"item\": \"mug-blue\", \"position\": 1}]";
    CHECK_STATUS(ONELIST_OK, onelist_set_scenario(db, "sale", 4, sale, strlen(sale)));
    CHECK_STATUS(ONELIST_OK, onelist_set_scenario(db, "kept", 4, sale, strlen(sale)));
    const char *ranking = ranked(db, "{\"query\": \"shoes\", \"scenario\": \"sale\", \"explain\": true}");
    CHECK(is_first(ranking, "mug-blue") && contains(ranking, "\"rules\":[\"sale[0] pin\"]"));
    char *all = NULL;
    size_t length = 0;
    CHECK_STATUS(ONELIST_OK, onelist_scenarios(db, &all, &length));
    CHECK(all != NULL && strlen(all) == length && contains(all, "{\"kept\":[{\"rule\":\"pin\",") && contains(all, "\"sale\""));
    onelist_string_free(&all);
    size_t deleted = 9;
    CHECK_STATUS(ONELIST_OK, onelist_delete_scenario(db, "sale", 4, &deleted));
    CHECK(deleted == 1);
    CHECK_STATUS(ONELIST_OK, onelist_delete_scenario(db, "sale", 4, &deleted));
    CHECK(deleted == 0);
    CHECK_STATUS(ONELIST_OK, onelist_delete_scenario(db, "sale", 4, NULL));
    CHECK_STATUS(ONELIST_INPUT, onelist_set_scenario(db, NULL, 0, sale, strlen(sale)));
    CHECK_STATUS(ONELIST_INPUT, onelist_set_scenario(db, "s", 1, "[{}]", 4));
    CHECK_STATUS(ONELIST_INPUT, onelist_scenarios(db, NULL, NULL));
    CHECK_STATUS(ONELIST_INPUT, onelist_delete_scenario(db, "", 0, NULL));
}

static void pages(onelist_engine *db) {
    char token[4096], request[8192];
    int shown = 0, turns = 0;
    snprintf(request, sizeof request, "{\"query\": \"shoes\", \"limit\": 3}");
    for (;; turns++) {
        const char *ranking = ranked(db, request);
        shown += hits(ranking);
        if (!next_of(ranking, token, sizeof token) || turns > 9) {
            break;
        }
        snprintf(request, sizeof request, "{\"query\": \"shoes\", \"limit\": 3, \"page_token\": \"%s\"}", token);
    }
    CHECK(shown == 8 && turns == 2);
}

// What was shown: with propensities, with places for new items, page by page.
static void shown(onelist_engine *db) {
    const char *ranking = ranked(db, "{\"query\": \"shoes\", \"explore\": {\"fraction\": 1, \"temperature\": 1}, "
                                     "\"new_items\": {\"fraction\": 0.5, \"days\": 1}}");
    CHECK(contains(ranking, "\"explored\":true") && contains(ranking, "\"propensity\":"));
    CHECK(!contains(ranked(db, "{\"query\": \"shoes\", \"log_impression\": false}"), "\"propensity\":"));
    char *read = NULL;
    size_t length = 0;
    CHECK_STATUS(ONELIST_OK, onelist_impressions(db, NULL, 0, 1, &read, &length));
    CHECK(read != NULL && strlen(read) == length && contains(read, "[{\"rank_id\":\"") && contains(read, "\"chosen\":["));
    char rank_id[17] = "";
    CHECK(sscanf(read, "[{\"rank_id\":\"%16[0-9a-f]\"", rank_id) == 1);
    onelist_string_free(&read);
    CHECK_STATUS(ONELIST_OK, onelist_impressions(db, rank_id, strlen(rank_id), 1000000, &read, NULL));
    CHECK(!contains(read, rank_id) && contains(read, "\"explored\":true"));
    onelist_string_free(&read);
    CHECK_STATUS(ONELIST_OK, onelist_new_item_exposure(db, &read, NULL));
    // The shop was put a moment ago, so all of it is new.
    CHECK(contains(read, "\"impressions\":1,") && contains(read, "\"fraction\":1.0"));
    onelist_string_free(&read);
    CHECK_STATUS(ONELIST_INPUT, onelist_impressions(db, "none", 4, 1, &read, NULL));
    CHECK_STATUS(ONELIST_INPUT, onelist_impressions(db, NULL, 0, 1, NULL, NULL));
    CHECK_STATUS(ONELIST_INPUT, onelist_new_item_exposure(NULL, &read, NULL));
}

void test_controls(onelist_engine *db) {
    order(db);
    refused(db);
    scenarios(db);
    pages(db);
    shown(db);
}
