#include "check.h"

#include <stdio.h>
#include <string.h>

static int passed;
static int failed;

bool check(bool holds, const char *what, const char *file, int line) {
    if (holds) {
        passed++;
    } else {
        failed++;
        fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    }
    return holds;
}

bool check_status(onelist_status expected, onelist_status found, const char *what, const char *file, int line) {
    if (expected != found) {
        fprintf(stderr, "expected status %d, found %d (%s: %s)\n", (int)expected, (int)found, onelist_last_error_name(),
                onelist_last_error_message());
    }
    return check(expected == found, what, file, line);
}

int report(const char *program) {
    printf("%s: %d passed, %d failed\n", program, passed, failed);
    // The leak check at the end of the process exits without writing what stdio holds.
    fflush(stdout);
    // A run without checks has tested nothing.
    return failed == 0 && passed > 0 ? 0 : 1;
}

onelist_status put(onelist_engine *db, const char *items) {
    return onelist_put(db, items, strlen(items));
}

onelist_status log_events(onelist_engine *db, const char *events) {
    return onelist_log(db, events, strlen(events));
}

const char *ranked(onelist_engine *db, const char *request) {
    static char kept[1 << 16];
    kept[0] = '\0';
    char *ranking = NULL;
    size_t length = 0;
    if (CHECK_STATUS(ONELIST_OK, onelist_rank(db, request, strlen(request), &ranking, &length))) {
        CHECK(strlen(ranking) == length && length < sizeof kept);
        snprintf(kept, sizeof kept, "%s", ranking);
    }
    onelist_string_free(&ranking);
    CHECK(ranking == NULL);
    return kept;
}

bool contains(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

// The library writes a hit's id and score first, in this order, which spares these tests a JSON parser.
int hits(const char *ranking) {
    int count = 0;
    for (const char *at = ranking; (at = strstr(at, "\",\"score\":")) != NULL; at++) {
        // The sources of a hit have a score too, after a rank rather than a string.
        count++;
    }
    return count;
}

bool has_hit(const char *ranking, const char *id) {
    char hit[128];
    snprintf(hit, sizeof hit, "{\"id\":\"%s\",\"score\":", id);
    return contains(ranking, hit);
}

bool is_first(const char *ranking, const char *id) {
    char first[128];
    snprintf(first, sizeof first, "\"hits\":[{\"id\":\"%s\",\"score\":", id);
    return contains(ranking, first);
}
