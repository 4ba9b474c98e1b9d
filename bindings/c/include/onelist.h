// Onelist: one list for search and recommendation, as a C library. Generated; the source is bindings/c/src/api/.
//
// Status. Every function that can fail returns an onelist_status; ONELIST_OK is 0. Details are kept for each thread:
// onelist_last_error_message() and onelist_last_error_name().
//
// Strings in are UTF-8 with a length in bytes; they need no NUL at the end and are not kept after the call. Strings out are
// UTF-8 JSON with a NUL at the end and none inside; they are yours, and onelist_string_free() takes them back. An out
// argument is set to NULL or 0 first, so it never holds garbage after a failure.
//
// Pointers. NULL where a value is needed, a length without a pointer, invalid UTF-8, and a handle that was closed or never
// was one are errors. What a C library cannot see remains the caller's promise: a pointer with a length can be read for so
// many bytes, which do not change during the call; an out pointer can be written; a string is freed once.
//
// Threads. A handle may be used by any number of threads at the same time, each with its own copy of the pointer,
// onelist_close() included. Reads do not wait for writes. After fork(), a handle reopens the directory at its first call in the child.
//
// Panics. A defect of the library is caught and answered as ONELIST_INTERNAL; the process goes on.
//
// JSON. A key that is not known, or stands twice in an object, is an error that names its place ("items[3].price"). null
// means "not given". Times are seconds since 1970 (UTC). One argument holds at most 256 MiB.


#ifndef ONELIST_H
#define ONELIST_H

#include <stddef.h>
#include <stdint.h>

// The version of this interface, as the header has it. It changes when a function changes its meaning or its arguments;
// new functions do not change it. Compare it with `onelist_abi_version()`, which is the library's.
#define ONELIST_ABI_VERSION 1

// What a call came to, by what the caller can do about it. `onelist_last_error_message()` has the details.
typedef enum {
  // Done.
  ONELIST_OK = 0,
  // An argument is wrong; nothing was written. Correct it and call again.
  ONELIST_INPUT = 1,
  // The directory or the handle is in use elsewhere, or closed.
  ONELIST_BUSY = 2,
  // Set up the machine: files, permissions, ONNX Runtime, provider, model.
  ONELIST_ENVIRONMENT = 3,
  // Stored data is damaged, or writes are refused since one failed: open again, or restore a backup.
  ONELIST_DAMAGED = 4,
  // A defect of the library; please report it. The process goes on.
  ONELIST_INTERNAL = 5,
} onelist_status;

// An open engine. Opaque: the pointer is a handle, not an address.
typedef struct onelist_engine onelist_engine;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The library's version, such as "0.1.0". Static: do not free it. Any thread, any time.
const char *onelist_version(void);

// The version of the interface that the library has: equal to ONELIST_ABI_VERSION when header and library fit together.
// Any thread, any time.
uint32_t onelist_abi_version(void);

// What the last call of this thread failed with, in words; "" when it succeeded. Never NULL. Do not free it: it is valid
// until the next onelist call of this thread that returns a status, or the end of the thread. Copy what you keep.
const char *onelist_last_error_message(void);

// The name of the last error of this thread, stable across versions, such as "AlreadyOpen"; "" when the last call
// succeeded. Never NULL, and valid as long as the message.
const char *onelist_last_error_name(void);

// Frees a string that a function of this library handed over, and sets your pointer to NULL. `text` and `*text` may be
// NULL. Does not touch the last error. Any thread.
void onelist_string_free(char **text);

// Opens the engine in a directory, or creates it there.
//
// - `path`: the directory, in UTF-8, `path_len` bytes.
// - `config_json`: settings as a JSON object, `config_json_len` bytes; NULL and 0 for the defaults. Keys: fields (maps a
//   name to kind, boost, embed), strict, date_field, onnxruntime, model, provider, provider_fallback, precision,
//   engine_cache, sessions, threads_per_session, index_threads, candidates, weights, tune, fit_space, re_embed, actions
//   (maps a name to meaning, weight), rating_scale, session_gap, retention (per_user, total, days), impressions (false, or enabled, fraction, max), explore,
//   new_items, max_bytes, force_network_fs, mode ("write", or "read": nothing is changed).
// - `engine` (out): the handle, which onelist_close() takes back; NULL when the call fails.
//
// Several processes may open one directory: one of them writes, and does what the others ask for. Fails with ONELIST_BUSY
// when this process has it open already, and ONELIST_ENVIRONMENT when ONNX Runtime is missing. At
// most 4096 engines are open at a time.
onelist_status onelist_open(const char *path,
                            size_t path_len,
                            const char *config_json,
                            size_t config_json_len,
                            onelist_engine **engine);

// Closes the engine and sets your handle to NULL. Everything that was written stays written. The handle is closed also
// when the call fails, which then says what could not be tidied up.
//
// Calls of other threads that are under way finish, or answer ONELIST_BUSY. Copies of the handle are closed with it: using
// or closing one is ONELIST_BUSY (error "Closed"), and closing NULL is ONELIST_INPUT.
onelist_status onelist_close(onelist_engine **engine);

// Puts items: new ones are added, those whose id is known are replaced. All of them or, on an error, none. When the call
// returns they are on disk, and the next ranking sees them.
//
// - `items_json`: an array of items, or one item after the other (NDJSON), `items_json_len` bytes. An item:
//   {"id": "sku-9", "title": "Red shoes", "price": 59, "tags": ["red"], "in_stock": true, "image": [0.1, 0.2],
//   "place": {"lat": 48.8, "lon": 2.3}, "released": {"date": 1700000000}}. Only the id is required.
onelist_status onelist_put(onelist_engine *engine,
                           const char *items_json,
                           size_t items_json_len);

// Deletes items. Ids that are not there are passed over.
//
// - `ids_json`: an array of ids, `ids_json_len` bytes.
// - `deleted` (out, may be NULL): how many of them were there.
onelist_status onelist_delete(onelist_engine *engine,
                              const char *ids_json,
                              size_t ids_json_len,
                              size_t *deleted);

// Reads items by id.
//
// - `ids_json`: an array of ids, `ids_json_len` bytes.
// - `items_json` (out): an array, in the order of the ids, with null for each id that is not there; free it.
// - `items_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_get(onelist_engine *engine,
                           const char *ids_json,
                           size_t ids_json_len,
                           char **items_json,
                           size_t *items_json_len);

// Reads items in the order in which they were first put, a page at a time.
//
// - `after`: the id of the last item of the page before, `after_len` bytes (an id may hold any UTF-8, NUL included); NULL
//   and 0 for the first page.
// - `limit`: most items of the page.
// - `items_json` (out): an array of items, empty at the end; free it.
// - `items_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_scan(onelist_engine *engine,
                            const char *after,
                            size_t after_len,
                            size_t limit,
                            char **items_json,
                            size_t *items_json_len);

// Logs what people did. All of the events or, on an error, none. When the call returns they are on disk, and the next
// ranking sees them. Users that are not known are created.
//
// - `events_json`: an array of events, or one event after the other (NDJSON), `events_json_len` bytes. An event:
//   {"user": "u7", "action": "click", "item": "sku-9"}, with a query in place of the item for a search, and optionally
//   value, time (seconds since 1970, UTC), rank_id (of the ranking that the user answered to), basket, segments
//   ({"country": "UK"}) and batch (the name of an import).
onelist_status onelist_log(onelist_engine *engine,
                           const char *events_json,
                           size_t events_json_len);

// Ranks: a search, a recommendation, both at once, or a first visit, by what the request holds.
//
// - `request_json`: an object, `request_json_len` bytes; NULL and 0 for a first visit. Keys, all optional: query, user,
//   history, like, unlike, among, segments, vectors, filter, exclude, exclude_seen, personalization, diversity, caps, match_history_mix,
//   rules, scenario, adapter, explore, new_items, log_impression, limit, offset, page_token, candidates, fields, explain, now, timeout
//   (seconds, after which the call ends with ONELIST_BUSY).
//   exclude_seen: true, or {"actions": ["buy"], "within_days": 30}. personalization: "off", "low", "medium" or "high".
//   diversity: 0 to 1. caps: [{"field": "brand", "max": 2}]; the field semantic_id:1 or
//   semantic_id:2 stands for the first codes of what the model makes of an item. match_history_mix: {"field": "genres", "strength": 0.5}. rules:
//   as for onelist_set_scenario(). adapter: the name of onelist_load_adapter(). page_token: the "next_page_token" of the page before; the rest of the request stays the same.
//   explore: {"fraction": 0.1, "temperature": 0.1, "swaps": 0.05}. new_items: {"fraction": 0.1, "days": 7, "shown_below": 100,
//   "events_below": 5, "min_fit": 0.5}.
//   log_impression: false when nobody is shown the ranking.
//   A filter: {"price": {">=": 10, "<": 90}, "tags": {"in": ["red", "blue"]}, "not": {"sold": true}}.
// - `ranking_json` (out): {"rank_id", "hits": [{"id", "score", "fields", "sources", "propensity", "why"}], "candidates",
//   "weights_version", "took", "warnings", "explored", "next_page_token"}; free it. "propensity": the probability of the place, where it
//   was drawn. "next_page_token" is null on the last page. "why", when the request has "explain": true:
//   {"line", "contributions", "rules", "moved", "history": [{"item", "amount"}], "terms": [{"term", "amount"}]}.
// - `ranking_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_rank(onelist_engine *engine,
                            const char *request_json,
                            size_t request_json_len,
                            char **ranking_json,
                            size_t *ranking_json_len);

// Ranks many requests in one pass. All of them or, on an error, none.
//
// - `requests_json`: an array of requests, or one request after the other (NDJSON), `requests_json_len` bytes.
// - `rankings_json` (out): an array of rankings in the order of the requests; free it.
// - `rankings_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_rank_many(onelist_engine *engine,
                                 const char *requests_json,
                                 size_t requests_json_len,
                                 char **rankings_json,
                                 size_t *rankings_json_len);

// Reads the rankings that are remembered as impressions, oldest first, a page at a time. Those that wait to be written are
// written before.
//
// - `after`: the rank_id of the last impression of the page before, `after_len` bytes; NULL and 0 for the first page.
// - `limit`: most impressions of the page.
// - `impressions_json` (out): an array of {"rank_id", "time", "user", "query", "offset", "slate", "explored",
//   "propensities", "new", "chosen", "features", "model", "weights"}, empty at the end; free it. "chosen" and "new" are
//   places of the slate, from 0.
// - `impressions_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_impressions(onelist_engine *engine,
                                   const char *after,
                                   size_t after_len,
                                   size_t limit,
                                   char **impressions_json,
                                   size_t *impressions_json_len);

// How much of what was shown were new items, over the impressions that say what was new. Reads all of them.
//
// - `exposure_json` (out): {"impressions", "places", "new_places", "fraction"}; free it.
// - `exposure_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_new_item_exposure(onelist_engine *engine,
                                         char **exposure_json,
                                         size_t *exposure_json_len);

// Fits what is fitted to the whole log now (which items the same people have), instead of in the background when the log
// has grown by a fifth: for measuring, and after a bulk import.
onelist_status onelist_rebuild_cooccurrence(onelist_engine *engine);

// Counts all signals anew from the stored events: after a change of the configured actions, or as a check. Writers wait
// meanwhile.
//
// - `changed` (out, may be NULL): 1 when a count changed, else 0.
onelist_status onelist_verify_signals(onelist_engine *engine,
                                      size_t *changed);

// Compares the vectors, the semantic ids and their lists of all items.
//
// - `wrong` (out, may be NULL): how many are missing or too many; 0 when all is right.
onelist_status onelist_verify_vectors(onelist_engine *engine, size_t *wrong);

// Removes the events that the setting retention does not keep now, instead of in the background when the log has grown by a
// tenth or a day has passed.
//
// - `removed` (out, may be NULL): how many events were removed.
onelist_status onelist_apply_retention(onelist_engine *engine,
                                       size_t *removed);

// Measures how good the lists are: replays the log into a scratch copy of the engine, asks it and the baselines just before
// each target happens, and scores the answers. The store is only read. Takes seconds to minutes.
//
// - `plan_json`: an object, `plan_json_len` bytes; NULL and 0 for the default plan, a global time split. Keys, all optional:
//   protocol (time_split, leave_last_out, item_cold, user_cold), at_fraction, at_time, fraction, targets (first_new, first, last,
//   every), until, exclude_seen, min_history, ks, max_targets, queries ({"query", "grades", "user", "time"}), next_item,
//   baselines, leave_out, tune, new_items, variants ({"name", "weights", "model"}), external (answers of systems from elsewhere to what
//   onelist_questions lists: {"name", "targets_hash", "answers": {"0": [item ids, best first] or {item id: score}}}),
//   category, resamples, check_targets, seed.
// - `report_json` (out): {"protocol", "warnings", "log", "targets_hash", "tasks", "point_in_time", "seconds"}; free it.
// - `report_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_evaluate(onelist_engine *engine,
                                const char *plan_json,
                                size_t plan_json_len,
                                char **report_json,
                                size_t *report_json_len);

// Lists what onelist_evaluate asks by a plan, without the answers: to ask a system from elsewhere, whose answers then go into
// the plan's external.
//
// - `plan_json`: as of onelist_evaluate, `plan_json_len` bytes.
// - `questions_json` (out): {"targets_hash", "split", "hidden_items", "hidden_users", "questions": [{"id", "task", "user",
//   "time", "query", "exclude_seen", "history": [{"item", "action", "value", "time"}]}]}; split is the moment of a time
//   split, or null. Free it.
// - `questions_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_questions(onelist_engine *engine,
                                 const char *plan_json,
                                 size_t plan_json_len,
                                 char **questions_json,
                                 size_t *questions_json_len);

// Fits the weights of the model's linear part to the log, checks them on later events than those they were fitted to, and
// ranks by those that are better from now on. When the call returns that is on disk. Takes about 25 s for each
// million events, on two threads.
//
// - `tuning_json` (out): {"version", "time", "events", "model", "sets": [{"request_context", "samples", "held_out",
//   "ndcg_before", "ndcg_after", "kept", "weights"}]}; free it. A log that is too small gives no sets and changes nothing.
// - `tuning_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_tune(onelist_engine *engine,
                            char **tuning_json,
                            size_t *tuning_json_len);

// Reads the tunings that are kept, at most 8.
//
// - `tunings_json` (out): {"in_force", "tunings": [..]}, oldest first, with the version in force; 0 is what the
//   model ships. Free it.
// - `tunings_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_tunings(onelist_engine *engine,
                               char **tunings_json,
                               size_t *tunings_json_len);

// Puts a kept tuning in force, or with 0 what the model ships. When the call returns that is on disk, and the next
// ranking is by it.
//
// - `version`: 0, or a version that onelist_tunings() lists; another one is ONELIST_INPUT.
onelist_status onelist_use_tuning(onelist_engine *engine,
                                  uint64_t version);

// Reads the models and adapters that the store keeps, and which model answers.
//
// - `models_json` (out): {"active", "before", "versions": [{"version", "name", "sha256", "space_id", "loaded", "active"}],
//   "adapters": [{"name", "sha256", "base", "bytes", "loaded", "usable"}]}. Version 0 is the model of the configuration, or
//   the one that ships; "before" is what onelist_roll_back_model() goes back to, or null. Free it.
// - `models_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_models(onelist_engine *engine,
                              char **models_json,
                              size_t *models_json_len);

// Checks a model and copies it into the store; it does not answer yet. One that was loaded before keeps its version. A
// model that does not fit is ONELIST_ENVIRONMENT (error "ModelRefused"), with what was expected and what was found.
//
// - `path`: a folder with manifest.json and the files that it names, in UTF-8, `path_len` bytes.
// - `model_json` (out): one of the "versions" of onelist_models(); free it.
// - `model_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_load_model(onelist_engine *engine,
                                  const char *path,
                                  size_t path_len,
                                  char **model_json,
                                  size_t *model_json_len);

// Asks a loaded model, or 0, and the one that answers the same requests, and says how their lists differ. Nothing is
// logged, and the live model goes on answering.
//
// - `version`: of onelist_models().
// - `requests_json`: as for onelist_rank_many(), `requests_json_len` bytes, at most 1024; NULL and 0 for past requests: the
//   newest impressions, each asked again as of its time.
// - `sample`: at most so many past requests, up to 10000; not looked at when requests are given.
// - `shadow_json` (out): {"active", "shadow", "requests", "common_top_10", "rank_correlation", "active_us", "shadow_us",
//   "errors", "failed", "skipped"}; free it.
// - `shadow_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_shadow_model(onelist_engine *engine,
                                    uint64_t version,
                                    const char *requests_json,
                                    size_t requests_json_len,
                                    size_t sample,
                                    char **shadow_json,
                                    size_t *shadow_json_len);

// Lets a loaded model answer from the next ranking on, or with 0 that of the configuration. When the call returns that is on
// disk. Rankings that run end with the model they began with. For a model of another vector space every item is placed anew
// first, while the old model answers.
//
// - `version`: of onelist_models(); another one is ONELIST_INPUT.
onelist_status onelist_promote_model(onelist_engine *engine,
                                     uint64_t version);

// Lets the model answer that did before the last onelist_promote_model(). When the call returns that is on disk.
//
// - `version` (out, may be NULL): the version that answers now.
onelist_status onelist_roll_back_model(onelist_engine *engine,
                                       uint64_t *version);

// Removes a loaded model and its files. The one that answers, and the one that onelist_roll_back_model() goes back to, are
// ONELIST_INPUT.
//
// - `removed` (out, may be NULL): 1 when there was one of this version, else 0.
onelist_status onelist_unload_model(onelist_engine *engine,
                                    uint64_t version,
                                    size_t *removed);

// Checks an adapter, copies it into the store, and lets requests name it: {"adapter": name}. What had the name is replaced.
//
// - `name`: 1 to 128 bytes of UTF-8, `name_len` bytes.
// - `path`: a folder with adapter.onnx_adapter and adapter.json, in UTF-8, `path_len` bytes.
// - `adapter_json` (out): one of the "adapters" of onelist_models(); free it.
// - `adapter_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_load_adapter(onelist_engine *engine,
                                    const char *name,
                                    size_t name_len,
                                    const char *path,
                                    size_t path_len,
                                    char **adapter_json,
                                    size_t *adapter_json_len);

// Removes an adapter and its files.
//
// - `name`: 1 to 128 bytes of UTF-8, `name_len` bytes.
// - `removed` (out, may be NULL): 1 when there was one of this name, else 0.
onelist_status onelist_unload_adapter(onelist_engine *engine,
                                      const char *name,
                                      size_t name_len,
                                      size_t *removed);

// Writes past requests as a Parquet file to train models on: one row for each candidate, with its features as they were at
// the time, the history, and whether it was taken. docs/TRAINING.md lists the columns. The store is only read.
//
// - `path`: the file, in UTF-8, `path_len` bytes. It appears once it is whole and on disk, in place of one of that name.
// - `plan_json`: an object, `plan_json_len` bytes; NULL and 0 for the defaults. Keys: requests (at most so many, the newest;
//   100000), spread (true: some of each kind from the whole log in their place), negatives (so many candidates of each
//   that were not taken; all), until (seconds since 1970, UTC).
// - `summary_json` (out): {"requests", "rows", "not_retrieved", "bytes"}; free it.
// - `summary_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_export_training(onelist_engine *engine,
                                       const char *path,
                                       size_t path_len,
                                       const char *plan_json,
                                       size_t plan_json_len,
                                       char **summary_json,
                                       size_t *summary_json_len);

// Stores rules under a name, in place of those that it had. When the call returns they are on disk; a request ranks by
// them with {"scenario": name}.
//
// - `name`: 1 to 128 bytes of UTF-8, `name_len` bytes.
// - `rules_json`: an array, `rules_json_len` bytes. A rule is one of {"rule": "pin", "item": "sku-9", "position": 1},
//   {"rule": "boost", "ids": ["sku-9"], "amount": 0.3} (or "bury"; a "filter" in place of the ids),
//   {"rule": "require", "filter": {..}}, {"rule": "exclude", "ids": ["sku-1"]} (or a "filter"),
//   {"rule": "cap", "field": "brand", "max": 2}.
onelist_status onelist_set_scenario(onelist_engine *engine,
                                    const char *name,
                                    size_t name_len,
                                    const char *rules_json,
                                    size_t rules_json_len);

// Reads the stored scenarios.
//
// - `scenarios_json` (out): an object that maps each name to its rules; free it.
// - `scenarios_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_scenarios(onelist_engine *engine,
                                 char **scenarios_json,
                                 size_t *scenarios_json_len);

// Removes a scenario. One that is not there is passed over.
//
// - `name`: its name, `name_len` bytes.
// - `deleted` (out, may be NULL): 1 when there was one, else 0.
onelist_status onelist_delete_scenario(onelist_engine *engine,
                                       const char *name,
                                       size_t name_len,
                                       size_t *deleted);

// Fits the vector space of items to the catalog and places every item anew, while requests and writes go on. Scores change.
//
// - `fitted` (out, may be NULL): 1 when it was fitted; 0, with nothing changed, when fewer than 100 items have text.
onelist_status onelist_fit_space(onelist_engine *engine,
                                 size_t *fitted);

// The state of the engine in numbers: items, users, events, bytes on disk, the indexes, the model, the vector space.
//
// - `stats_json` (out): an object; free it.
// - `stats_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_stats(onelist_engine *engine,
                             char **stats_json,
                             size_t *stats_json_len);

// Waits until the indexes hold everything that was put, and writes them to disk. Nothing is lost without it: it only makes
// the next onelist_open() quicker.
onelist_status onelist_flush(onelist_engine *engine);

// Calls a method of the engine by its name: everything that has no function of its own here.
//
// - `method`: the name, `method_len` bytes. A name that is not known is ONELIST_INPUT, and the message lists those that are.
// - `arguments_json`: an object of the arguments by name, `arguments_json_len` bytes; NULL and 0 for none.
//   backup ({"path": "/backups/shop"}) copies the store while it is written; compact gives space back; cancel, from another
//   thread, stops every call that runs on the engine: they end with ONELIST_BUSY and change nothing.
//
// - `answer_json` (out): what the method answers, null where it answers nothing; free it.
// - `answer_json_len` (out, may be NULL): its length in bytes.
onelist_status onelist_call(onelist_engine *engine,
                            const char *method,
                            size_t method_len,
                            const char *arguments_json,
                            size_t arguments_json_len,
                            char **answer_json,
                            size_t *answer_json_len);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ONELIST_H */
