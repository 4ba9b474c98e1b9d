// Every function under the same wrong conditions: no engine, a closed one, no text, no room for an answer, no JSON.

#include "check.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// One function, with its arguments brought into one form. What it does not take is not given to it.
typedef onelist_status run(onelist_engine *db, const char *text, size_t length, char **answer, size_t *count);

#define RUNS(name, call)                                                                                     \
    static onelist_status name(onelist_engine *db, const char *text, size_t length, char **answer, size_t *count) { \
        (void)text, (void)length, (void)answer, (void)count;                                                 \
        return call;                                                                                         \
    }
RUNS(run_put, onelist_put(db, text, length))
RUNS(run_delete, onelist_delete(db, text, length, count))
RUNS(run_get, onelist_get(db, text, length, answer, count))
RUNS(run_scan, onelist_scan(db, text, length, 10, answer, count))
RUNS(run_log, onelist_log(db, text, length))
RUNS(run_rank, onelist_rank(db, text, length, answer, count))
RUNS(run_rank_many, onelist_rank_many(db, text, length, answer, count))
RUNS(run_impressions, onelist_impressions(db, text, length, 10, answer, count))
RUNS(run_exposure, onelist_new_item_exposure(db, answer, count))
RUNS(run_refit, onelist_rebuild_cooccurrence(db))
RUNS(run_recount, onelist_verify_signals(db, count))
RUNS(run_check_space, onelist_verify_vectors(db, count))
RUNS(run_trim, onelist_apply_retention(db, count))
RUNS(run_evaluate, onelist_evaluate(db, text, length, answer, count))
RUNS(run_questions, onelist_questions(db, text, length, answer, count))
RUNS(run_calibrate, onelist_tune(db, answer, count))
RUNS(run_calibrations, onelist_tunings(db, answer, count))
RUNS(run_use_calibration, onelist_use_tuning(db, 0))
RUNS(run_models, onelist_models(db, answer, count))
RUNS(run_load_model, onelist_load_model(db, text, length, answer, count))
RUNS(run_shadow_model, onelist_shadow_model(db, 0, text, length, 0, answer, count))
RUNS(run_promote_model, onelist_promote_model(db, 0))
RUNS(run_roll_back_model, onelist_roll_back_model(db, NULL))
RUNS(run_unload_model, onelist_unload_model(db, 7, count))
RUNS(run_load_adapter, onelist_load_adapter(db, text, length, text, length, answer, count))
RUNS(run_unload_adapter, onelist_unload_adapter(db, text, length, count))
RUNS(run_export_training, onelist_export_training(db, text, length, NULL, 0, answer, count))
RUNS(run_export_plan, onelist_export_training(db, "/nowhere/rows", 13, text, length, answer, count))
RUNS(run_set_scenario, onelist_set_scenario(db, "s", 1, text, length))
RUNS(run_name_scenario, onelist_set_scenario(db, text, length, "[]", 2))
RUNS(run_scenarios, onelist_scenarios(db, answer, count))
RUNS(run_delete_scenario, onelist_delete_scenario(db, text, length, count))
RUNS(run_fit_space, onelist_fit_space(db, count))
RUNS(run_stats, onelist_stats(db, answer, count))
RUNS(run_flush, onelist_flush(db))

enum {
    JSON = 1,      // takes JSON
    NAME = 2,      // takes an id, a name or a path
    OPTIONAL = 4,  // goes without that as well
    ANSWERS = 8,   // gives a text, and needs room for it
    COUNTS = 16,   // gives a number
    OBJECT = 32,   // its JSON is an object, and otherwise an array
};

static const struct {
    const char *name;
    run *run;
    int form;
} calls[] = {
    {"put", run_put, JSON},
    {"delete", run_delete, JSON | COUNTS},
    {"get", run_get, JSON | ANSWERS},
    {"scan", run_scan, NAME | OPTIONAL | ANSWERS},
    {"log", run_log, JSON},
    {"rank", run_rank, JSON | OBJECT | OPTIONAL | ANSWERS},
    {"rank_many", run_rank_many, JSON | ANSWERS},
    {"impressions", run_impressions, NAME | OPTIONAL | ANSWERS},
    {"exposure", run_exposure, ANSWERS},
    {"refit", run_refit, 0},
    {"recount", run_recount, COUNTS},
    {"check_space", run_check_space, COUNTS},
    {"trim", run_trim, COUNTS},
    {"evaluate", run_evaluate, JSON | OBJECT | OPTIONAL | ANSWERS},
    {"questions", run_questions, JSON | OBJECT | OPTIONAL | ANSWERS},
    {"calibrate", run_calibrate, ANSWERS},
    {"calibrations", run_calibrations, ANSWERS},
    {"use_tuning", run_use_calibration, 0},
    {"models", run_models, ANSWERS},
    {"load_model", run_load_model, NAME | ANSWERS},
    {"shadow_model", run_shadow_model, JSON | OPTIONAL | ANSWERS},
    {"promote_model", run_promote_model, 0},
    {"roll_back_model", run_roll_back_model, 0},
    {"unload_model", run_unload_model, COUNTS},
    {"load_adapter", run_load_adapter, NAME | ANSWERS},
    {"unload_adapter", run_unload_adapter, NAME | COUNTS},
    {"export_training to", run_export_training, NAME | ANSWERS},
    {"export_training of", run_export_plan, JSON | OBJECT | OPTIONAL | ANSWERS},
    {"set_scenario rules", run_set_scenario, JSON},
    {"set_scenario name", run_name_scenario, NAME},
    {"scenarios", run_scenarios, ANSWERS},
    {"delete_scenario", run_delete_scenario, NAME | COUNTS},
    {"fit_space", run_fit_space, COUNTS},
    {"stats", run_stats, ANSWERS},
    {"flush", run_flush, 0},
};
enum { CALLS = sizeof calls / sizeof *calls };

// JSON without anything in it, of the form that a call takes.
static const char *empty(int at) {
    return calls[at].form & OBJECT ? "{}" : "[]";
}

// Runs a call, which must fail with this status and error, say why, and leave nothing in its out arguments.
static void refused(int at, onelist_engine *db, const char *text, size_t length, onelist_status status,
                    const char *name) {
    char *answer = (char *)1;
    size_t count = 77;
    onelist_status found = calls[at].run(db, text, length, &answer, &count);
    bool as_said = found == status && strcmp(onelist_last_error_name(), name) == 0;
    if (!CHECK(as_said)) {
        fprintf(stderr, "%s: status %d, %s: %s\n", calls[at].name, (int)found, onelist_last_error_name(),
                onelist_last_error_message());
    }
    CHECK(strlen(onelist_last_error_message()) > 0);
    CHECK(!(calls[at].form & ANSWERS) || answer == NULL);
    CHECK(!(calls[at].form & (ANSWERS | COUNTS)) || count == 0);
}

static void without_an_engine(onelist_engine *closed) {
    for (int at = 0; at < CALLS; at++) {
        refused(at, NULL, empty(at), 2, ONELIST_INPUT, "InvalidArgument");
        refused(at, (onelist_engine *)calls, empty(at), 2, ONELIST_INPUT, "InvalidArgument");
        refused(at, closed, empty(at), 2, ONELIST_BUSY, "Closed");
    }
}

static void without_a_text(onelist_engine *db) {
    for (int at = 0; at < CALLS; at++) {
        if (calls[at].form & (JSON | NAME)) {
            refused(at, db, NULL, 5, ONELIST_INPUT, "InvalidArgument");
            refused(at, db, "[]", SIZE_MAX, ONELIST_INPUT, "LimitExceeded");
            refused(at, db, "ab\xff", 3, ONELIST_INPUT, "InvalidUtf8");
            CHECK(contains(onelist_last_error_message(), "offset 2"));
            if (!(calls[at].form & OPTIONAL)) {
                refused(at, db, NULL, 0, ONELIST_INPUT, "InvalidArgument");
            }
        }
    }
}

static void without_room_for_an_answer(onelist_engine *db) {
    for (int at = 0; at < CALLS; at++) {
        size_t count = 0;
        if (calls[at].form & ANSWERS) {
            CHECK_ERROR(ONELIST_INPUT, "InvalidArgument", calls[at].run(db, empty(at), 2, NULL, &count));
        }
    }
    // The length of an answer, and the counts, are for those who want them.
    char *text = NULL;
    CHECK_STATUS(ONELIST_OK, onelist_stats(db, &text, NULL));
    onelist_string_free(&text);
    CHECK_STATUS(ONELIST_OK, onelist_delete(db, "[\"nothing\"]", 11, NULL));
    CHECK_STATUS(ONELIST_OK, onelist_verify_signals(db, NULL));
    CHECK_STATUS(ONELIST_OK, onelist_verify_vectors(db, NULL));
    CHECK_STATUS(ONELIST_OK, onelist_apply_retention(db, NULL));
}

static void with_what_is_no_json(onelist_engine *db) {
    const char *broken[] = {"{", "[", "]", "nonsense", "{\"a\" 1}", "[1,]", "\"", "\0", "[\"a\", ", "{'a': 1}"};
    for (int at = 0; at < CALLS; at++) {
        for (size_t i = 0; (calls[at].form & JSON) && i < sizeof broken / sizeof *broken; i++) {
            refused(at, db, broken[i], i == 7 ? 1 : strlen(broken[i]), ONELIST_INPUT, "InvalidArgument");
        }
    }
}

static bool stop;

// Fails again and again; its errors are its own.
static void *failing(void *db) {
    size_t failed = 0;
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        failed += put(db, "[{\"id\": \"\"}]") == ONELIST_INPUT && strcmp(onelist_last_error_name(), "InvalidId") == 0;
    }
    return (void *)failed;
}

static void errors_belong_to_their_thread(onelist_engine *db) {
    pthread_t thread;
    void *failed = NULL;
    CHECK(pthread_create(&thread, NULL, failing, db) == 0);
    int clean = 0;
    for (int i = 0; i < 200; i++) {
        char *ranking = NULL;
        clean += onelist_rank(db, "{\"query\": \"mug\"}", 16, &ranking, NULL) == ONELIST_OK &&
                 strcmp(onelist_last_error_name(), "") == 0 && strcmp(onelist_last_error_message(), "") == 0;
        onelist_string_free(&ranking);
    }
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    CHECK(pthread_join(thread, &failed) == 0);
    CHECK(clean == 200 && (size_t)failed > 0);
}

void test_every_call(const char *directory) {
    onelist_engine *db = NULL;
    if (!CHECK_STATUS(ONELIST_OK, onelist_open(directory, strlen(directory), NULL, 0, &db))) {
        return;
    }
    onelist_engine *closed = db;
    CHECK_STATUS(ONELIST_OK, onelist_close(&db));
    CHECK_STATUS(ONELIST_OK, onelist_open(directory, strlen(directory), NULL, 0, &db));
    CHECK_STATUS(ONELIST_OK, put(db, "[{\"id\": \"mug\", \"title\": \"Blue mug\"}, {\"id\": \"pot\"}]"));
    char *before = NULL, *after = NULL;
    CHECK_STATUS(ONELIST_OK, onelist_scan(db, NULL, 0, 10, &before, NULL));
    without_an_engine(closed);
    without_a_text(db);
    without_room_for_an_answer(db);
    with_what_is_no_json(db);
    errors_belong_to_their_thread(db);
    CHECK_STATUS(ONELIST_OK, onelist_scan(db, NULL, 0, 10, &after, NULL));
    CHECK(before != NULL && after != NULL && strcmp(before, after) == 0);
    onelist_string_free(&before);
    onelist_string_free(&after);
    CHECK_STATUS(ONELIST_OK, onelist_close(&db));
}
