// The C tests: a shop is put, ranked, closed and opened again, as a C user would do it.
//
// Usage: test NAME. Prints "NAME: N passed, 0 failed" and exits with 0, or prints what failed and exits with 1.

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static onelist_engine *opened(const char *directory) {
    const char *config = "{\"fields\": {\"title\": {\"kind\": \"text\", \"boost\": 2}}}";
    onelist_engine *db = NULL;
    CHECK_STATUS(ONELIST_OK, onelist_open(directory, strlen(directory), config, strlen(config), &db));
    return db;
}

// Removes a directory that `fresh` has made.
static void removed(const char *directory) {
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    CHECK(system(command) == 0);
}

int main(int argc, char **argv) {
    char shop[] = "/tmp/onelist-c-shop-XXXXXX";
    char empty[] = "/tmp/onelist-c-empty-XXXXXX";
    if (!CHECK(mkdtemp(shop) != NULL && mkdtemp(empty) != NULL)) {
        return report("test");
    }
    test_errors(empty);
    test_every_call(empty);

    onelist_engine *db = opened(shop);
    if (db != NULL) {
        test_store(db);
        test_ranking(db);
        test_controls(db);
        test_tuning(db);
        test_models(db);
        CHECK_STATUS(ONELIST_OK, onelist_close(&db));

        // What was written is there after opening again.
        db = opened(shop);
        CHECK(is_first(ranked(db, "{\"query\": \"red shoes\"}"), "shoe-red"));
        CHECK(!has_hit(ranked(db, "{\"user\": \"u7\", \"exclude_seen\": true}"), "shoe-red"));
        CHECK(is_first(ranked(db, "{\"scenario\": \"kept\"}"), "mug-blue"));
        CHECK_STATUS(ONELIST_OK, onelist_close(&db));
        test_threads(shop);
    }
    removed(shop);
    removed(empty);
    return report(argc > 1 ? argv[1] : "test");
}
