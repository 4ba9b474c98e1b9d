// A handle shared by threads, closed under them, and carried over a fork.

#include "check.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 2000 };

struct worker {
    onelist_engine *db;
    int ranked;
    int busy;
    int other;
    bool own_error;
};

static void *rank_until_closed(void *argument) {
    struct worker *worker = argument;
    for (int i = 0; i < ROUNDS && worker->busy == 0; i++) {
        char *ranking = NULL;
        switch (onelist_rank(worker->db, "{\"query\": \"shoes\"}", 18, &ranking, NULL)) {
        case ONELIST_OK:
            worker->ranked++;
            break;
        case ONELIST_BUSY:
            worker->busy++;
            break;
        default:
            worker->other++;
        }
        onelist_string_free(&ranking);
    }
    worker->own_error = (worker->busy > 0) == (strlen(onelist_last_error_message()) > 0);
    return NULL;
}

static void closed_under_threads(onelist_engine *db) {
    pthread_t threads[THREADS];
    struct worker workers[THREADS] = {{0}};
    for (int i = 0; i < THREADS; i++) {
        workers[i].db = db;
        CHECK(pthread_create(&threads[i], NULL, rank_until_closed, &workers[i]) == 0);
    }
    usleep(50 * 1000);
    CHECK_STATUS(ONELIST_OK, onelist_close(&db));
    int answered = 0;
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(workers[i].other == 0 && workers[i].own_error);
        answered += workers[i].ranked;
    }
    CHECK(answered > 0);
    // The workers' errors are theirs: this thread's last call succeeded.
    CHECK(strcmp(onelist_last_error_message(), "") == 0);
}

static void carried_over_a_fork(onelist_engine *db) {
    pid_t child = fork();
    if (child == 0) {
        // It opens the directory for itself, beside its parent, and its writes are the parent's.
        const char *request = "{\"limit\": 3}", *item = "[{\"id\": \"of the child\"}]";
        char *ranking = NULL;
        onelist_status ranked = onelist_rank(db, request, strlen(request), &ranking, NULL);
        onelist_status put = onelist_put(db, item, strlen(item));
        _exit(ranked == ONELIST_OK && put == ONELIST_OK && onelist_close(&db) == ONELIST_OK ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    const char *ids = "[\"of the child\"]";
    char *items = NULL;
    CHECK_STATUS(ONELIST_OK, onelist_get(db, ids, strlen(ids), &items, NULL));
    CHECK(items && strcmp(items, "[{\"id\":\"of the child\"}]") == 0);
    onelist_string_free(&items);
}

void test_threads(const char *directory) {
    onelist_engine *db = NULL;
    if (CHECK_STATUS(ONELIST_OK, onelist_open(directory, strlen(directory), NULL, 0, &db))) {
        carried_over_a_fork(db);
        closed_under_threads(db);
    }
}
