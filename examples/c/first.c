// A first list: three items, one user, and the four questions that one call answers.
//
// Build and run it with `make -C bindings/c first`, or by hand against an installed library:
//     cc first.c -lonelist -o first && ./first /tmp/first.onelist

#include <onelist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Ends the program with the library's own words when a call fails.
static void must(onelist_status status) {
    if (status != ONELIST_OK) {
        fprintf(stderr, "%s: %s\n", onelist_last_error_name(), onelist_last_error_message());
        exit(1);
    }
}

// Asks for a ranking and prints it as it comes: JSON, for the JSON library of your choice.
static void show(onelist_engine *db, const char *question, const char *request) {
    char *ranking = NULL;
    must(onelist_rank(db, request, strlen(request), &ranking, NULL));
    printf("%s\n  %s\n", question, ranking);
    onelist_string_free(&ranking);
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "first.onelist";
    onelist_engine *db = NULL;
    must(onelist_open(path, strlen(path), NULL, 0, &db));

    // Put items. Only the id is required; the other fields are yours, and their types are inferred.
    const char *items = "[{\"id\": \"shoe-red\", \"title\": \"Red running shoes\", \"price\": 59},"
                        " {\"id\": \"shoe-trail\", \"title\": \"Trail shoes for mountains\", \"price\": 89},"
                        " {\"id\": \"bag\", \"title\": \"Leather bag\", \"price\": 120}]";
    must(onelist_put(db, items, strlen(items)));

    // Log what people do. The next ranking knows it.
    const char *events = "[{\"user\": \"ada\", \"action\": \"click\", \"item\": \"shoe-trail\"}]";
    must(onelist_log(db, events, strlen(events)));

    // One verb, four questions: what the request holds decides which.
    show(db, "search", "{\"query\": \"red shoes\", \"fields\": [\"title\"]}");
    show(db, "search, for ada", "{\"query\": \"shoes\", \"user\": \"ada\", \"fields\": [\"title\"]}");
    show(db, "recommendation for ada", "{\"user\": \"ada\", \"exclude_seen\": true, \"fields\": [\"title\"]}");
    show(db, "first visit", "{\"fields\": [\"title\"]}");

    must(onelist_close(&db));
    return 0;
}
