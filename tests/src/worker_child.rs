//! A process that works on a store for the tests of several processes: it does what lines on its standard input say, and
//! answers each with a line.
//!
//! Arguments: directory, and `read` to open it for reading only. A line is a JSON array: a name and its arguments.
//! An answer is `{"ok": value}` or `{"error": name, "text": message}`.

use std::io::{BufRead, Write};
use std::time::Duration;

use onelist::{Action, Config, Engine, Error, Event, Hit, Item, Mode, Request, Rule, Source, Token};
use onelist_tests::journal;
use serde_json::{Value, json};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut config = Config::default();
    config.sessions = 1;
    config.threads_per_session = 1;
    if arguments.get(1).is_some_and(|mode| mode == "read") {
        config.mode = Mode::Read;
    }
    let opened = arguments.first().map(|path| Engine::open(path, config));
    let db = match opened {
        Some(Ok(db)) => db,
        Some(Err(error)) => return say(&failed(&error)),
        None => return say(&json!({"error": "arguments"})),
    };
    say(&json!({"ok": "open"}));
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let command: Value = serde_json::from_str(&line).unwrap_or_default();
        let answer = execute(&db, &command);
        say(&answer.map_or_else(|error| failed(&error), |answer| json!({"ok": answer})));
    }
}

fn failed(error: &Error) -> Value {
    json!({"error": error.name(), "text": error.to_string()})
}

fn say(answer: &Value) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone has nothing to hear.
    let _ = writeln!(out, "{answer}").and_then(|()| out.flush());
}

fn execute(db: &Engine, command: &Value) -> onelist::Result<Value> {
    let text = |place: usize| command[place].as_str().unwrap_or_default().to_owned();
    let number = |place: usize| command[place].as_u64().unwrap_or_default();
    Ok(match command[0].as_str().unwrap_or_default() {
        "put" => json!(db.put(vec![Item::new(text(1)).text("title", text(2))])?),
        "put_many" => {
            let items = (number(1)..number(2)).map(|n| Item::new(format!("i{n}")).text("title", format!("thing {n}")));
            json!(db.put(items.collect())?)
        }
        // An item with a text, a number and a vector that only this version has.
        "version" => json!(db.put(vec![journal::item(number(1), number(2))])?),
        "delete" => json!(db.delete(&[text(1)])?),
        "log" => json!(db.log(vec![Event::new(text(1), Action::Click).item(text(2))])?),
        "log_twice" => {
            let event = Event::new(text(1), Action::Click).item(text(2));
            json!(db.log(vec![event.clone(), event])?)
        }
        "get" => json!(db.get(&[text(1)])?[0].as_ref().map(|item| json!(item.fields))),
        "scan" => json!(db.scan(None, 100_000)?.into_iter().map(|item| item.id).collect::<Vec<_>>()),
        // What has the words: items that only mean something similar are left out.
        "rank" => {
            let found = db.rank(&Request::new().query(text(1)).limit(1000).unlogged())?.hits.into_iter();
            let has_word = |hit: &Hit| hit.sources.iter().any(|proposal| proposal.source == Source::Lexical);
            json!(found.filter(has_word).map(|hit| hit.id).collect::<Vec<_>>())
        }
        "near" => ids(db, Request::new().vector("place", journal::direction(number(1), number(2))).limit(1000))?,
        "recommend" => ids(db, Request::new().user(text(1)).limit(1000))?,
        "ask" => json!(db.rank(&Request::new().user(text(1)).limit(5))?.rank_id),
        "answer" => {
            let mut event = Event::new(text(1), Action::Click).item(text(2));
            event.rank_id = Some(text(3));
            json!(db.log(vec![event])?)
        }
        "token" => json!(db.token()?),
        "wait" => json!(db.wait_for(Token(number(1)), Duration::from_millis(number(2)))?),
        "scenario" => {
            db.set_scenario(&text(1), &[Rule::Pin { item: text(2), position: 1 }])?;
            Value::Null
        }
        "tunings" => json!(db.tunings()?.1),
        "close" => {
            db.close()?;
            Value::Null
        }
        // Everything else by its name; the second argument is an object.
        name => {
            let arguments = if command[1].is_object() { command[1].to_string() } else { "{}".to_owned() };
            let answer = db.call(name, &arguments)?;
            serde_json::from_str(&answer).unwrap_or_default()
        }
    })
}

fn ids(db: &Engine, request: Request) -> onelist::Result<Value> {
    Ok(json!(db.rank(&request.unlogged())?.hits.into_iter().map(|hit| hit.id).collect::<Vec<_>>()))
}
