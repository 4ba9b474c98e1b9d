// What the C tests share: counting, and short forms of the calls for texts that end with a NUL.
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "onelist.h"

// Counts a check, and prints it when it fails. True when it holds.
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
bool check(bool holds, const char *what, const char *file, int line);

// Checks a status, and on a surprise prints the message of the library. True when it is the expected one.
#define CHECK_STATUS(expected, call) check_status((expected), (call), #call, __FILE__, __LINE__)
bool check_status(onelist_status expected, onelist_status found, const char *what, const char *file, int line);

// Checks a status and the name of the error.
#define CHECK_ERROR(expected, name, call)                      \
    do {                                                       \
        CHECK_STATUS(expected, call);                          \
        CHECK(strcmp(onelist_last_error_name(), (name)) == 0); \
    } while (0)

// Prints the one line that ends a run; the exit status of the program.
int report(const char *program);

// The calls, for C strings.
onelist_status put(onelist_engine *db, const char *items);
onelist_status log_events(onelist_engine *db, const char *events);

// The answer of a request that must succeed; "" otherwise. Valid until the next call of `ranked`.
const char *ranked(onelist_engine *db, const char *request);

// What a ranking says: how many hits, whether an id is among them, and whether it is the first.
int hits(const char *ranking);
bool has_hit(const char *ranking, const char *id);
bool is_first(const char *ranking, const char *id);
bool contains(const char *text, const char *part);

// The groups of checks, one for each file. They get an open engine, or an empty directory to open one in.
void test_errors(const char *directory);
void test_store(onelist_engine *db);
void test_ranking(onelist_engine *db);
void test_controls(onelist_engine *db);
void test_tuning(onelist_engine *db);
void test_models(onelist_engine *db);
void test_threads(const char *directory);
void test_every_call(const char *directory);

#endif
