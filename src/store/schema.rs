//! The migrations, in order. A released migration is never edited.

use rusqlite::{Connection, TransactionBehavior};

use super::database::OpenRefusal;

/// Marks a file as a database of ibid: the bytes of "ibid".
pub(super) const APPLICATION_ID: i32 = 0x6962_6964;

/// Migration `n` brings a database from version `n` to version `n + 1`. Times are nanoseconds since
/// 1970, ids are UUIDs as text, lists are JSON.
const MIGRATIONS: &[&str] = &[
    "
    create table conversation (
        id text primary key,
        title text not null,
        renamed integer not null,
        settings text not null,
        branch text not null,
        created integer not null,
        updated integer not null,
        unread integer not null,
        -- Its newest answer failed or was interrupted.
        failed integer not null default 0,
        trashed_at integer,
        draft text not null default '',
        queue text not null default '[]'
    );
    -- All that a row of the list shows and asks for, so that listing reads nothing else.
    create index conversation_listed on conversation (updated desc, id desc, title, unread, failed, trashed_at)
        where trashed_at is null;

    create table message (
        id text primary key,
        conversation text not null references conversation (id),
        parent text,
        role text not null,
        at integer not null,
        rev integer not null,
        -- The text of a prompt; the rest is of answers.
        text text,
        endpoint text,
        model text,
        answered_by text,
        ending text,
        -- The run of the program that is writing this answer.
        owner text,
        input_tokens integer,
        cached_tokens integer,
        output_tokens integer,
        reasoning_tokens integer,
        -- The server's own digits.
        cost text,
        generation text,
        started integer,
        first_text integer,
        ended integer,
        notes text,
        items text
    );
    create index message_of on message (conversation, id);
    create index message_open on message (owner) where owner is not null;
    create index message_prompt on message (at desc, id desc) where role = 'prompt';

    -- What an open answer grew by since its row was written.
    create table growth (
        n integer primary key,
        message text not null,
        at integer not null,
        events text not null
    );
    create index growth_of on growth (message, n);

    create table setting (name text primary key, value text not null) without rowid;
",
    "
    -- Messages that are no longer sent, since the conversation became too long.
    alter table conversation add column left_out text not null default '[]';
",
    "
    -- What went over the wire for an answer, for the x-ray; the oldest go first.
    create table recording (
        n integer primary key autoincrement,
        message text not null unique,
        bytes integer not null,
        pieces text not null
    );
    create index recording_size on recording (n, bytes);
",
    "
    -- What became of the calls of an answer: their tools, arguments and results.
    alter table message add column runs text;
",
    "
    -- What went over the wire for an answer that still runs; a recording when it is over.
    create table recorded (
        n integer primary key,
        message text not null,
        most integer not null,
        pieces text not null
    );
    create index recorded_of on recorded (message, n);
",
    "
    -- How an answer was asked for and came about, as JSON.
    alter table message add column course text;
    create index message_spent on message (ended, cost) where cost is not null;
",
    "
    -- All that a tool gave back, as JSON, where the row of its message has less.
    create table outcome (
        message text not null,
        step integer not null,
        place integer not null,
        content text not null,
        primary key (message, step, place)
    );
",
    "
    -- What each response of an answer is known by and used, as JSON.
    alter table message add column bills text;
    -- What went over the wire before these pieces: how many, and their bytes. So the middle can be dropped.
    alter table recorded add column before text not null default '{\"pieces\":0,\"bytes\":0}';
    alter table recorded add column bytes integer not null default 0;
    drop index recorded_of;
    create index recorded_of on recorded (message, n, bytes);
",
    "
    -- Prompts that wait for a turn to end, each a row so that only one run can take it.
    create table queued (
        id text primary key,
        conversation text not null references conversation (id),
        -- The run of the program that sends it; anyone may send it once that run has ended.
        owner text not null,
        text text not null
    );
    create index queued_of on queued (conversation, id);
    insert into queued select substr(c.id, 1, 24) || printf('%012x', row_number() over (order by c.id, j.key)), c.id, '', j.value
        from conversation c, json_each(iif(json_valid(c.queue), c.queue, '[]')) j;
    alter table conversation drop column queue;
    -- What became of calls since the row of their message was written, as JSON.
    create table call_run (
        message text not null,
        step integer not null,
        place integer not null,
        run text not null,
        primary key (message, step, place)
    );
",
    "
    -- Tools that may run without asking in every conversation, as long as they stay what they were.
    create table if not exists tool_grant (
        server text not null,
        tool text not null,
        -- The file that names the server.
        file text not null,
        -- What the tool was like, as JSON.
        snapshot text not null,
        primary key (server, tool, file)
    ) without rowid;
    -- Until now such tools became rules of the config, and nothing was kept about them: these ask once more.
    insert or ignore into setting (name, value)
        select 'unconfirmed rules', 'all' where exists (select 1 from conversation);
",
    "
    -- What checks of cited pages found: one row for each source of an answer.
    create table source_check (
        message text not null,
        -- Its address.
        source text not null,
        at integer not null,
        -- SHA-256 of the page as it was read; null if it could not be read.
        page_hash text,
        -- As JSON.
        result text not null,
        primary key (message, source)
    ) without rowid;
    -- What was paid for an answer besides the answer itself.
    create table side_cost (n integer primary key, message text not null, at integer not null, cost text not null);
    create index side_cost_spent on side_cost (at, cost);
",
    "
    -- The form that a conversation was imported from, such as `chatgpt`.
    alter table conversation add column origin text;
    -- What was imported: the hash of its content, so that the same content is imported once.
    create table imported (hash text primary key, conversation text not null) without rowid;
    -- How the user filed a conversation: a list of tags as JSON, when it was pinned, when it was archived.
    alter table conversation add column tags text not null default '[]';
    alter table conversation add column pinned_at integer;
    alter table conversation add column archived_at integer;
    -- The model of its settings, for the list.
    alter table conversation add column model text not null default '';
    update conversation set model = coalesce(iif(json_valid(settings), settings ->> '$.model', ''), '');
    drop index conversation_listed;
    create index conversation_listed on conversation
        (updated desc, id desc, title, unread, failed, trashed_at, model, tags, pinned_at, archived_at)
        where trashed_at is null;
    create index conversation_pinned on conversation (pinned_at) where pinned_at is not null and trashed_at is null;
    create index conversation_trashed on conversation (trashed_at) where trashed_at is not null;
    -- Where the reader was, what is folded and open, as JSON; null for at the end.
    alter table conversation add column reading text;
    -- Null for what was paid besides an answer; else the model of an answer whose message is not stored.
    alter table side_cost add column model text;
    -- What is searched: a row for each message and for the title of each conversation, numbered as they came.
    create table search_entry (
        n integer primary key autoincrement,
        -- Of the message, or of the conversation whose title it is.
        id text not null unique,
        conversation text not null,
        at integer not null,
        -- Who was asked and who answered, of an answer that is indexed.
        models text,
        -- 2: its text changed in this transaction, which must index it; 1: it waits to be indexed; 0: it is in the index, unless
        -- it is empty or an answer that still runs.
        stale integer not null default 2
    );
    create index search_stale on search_entry (stale, n) where stale > 0;
    -- The tokens of each entry, without the text.
    create virtual table search_index using fts5
        (tokens, content='', contentless_delete=1, detail=none, tokenize='ascii');
    insert into search_entry (id, conversation, at, stale)
        select id, conversation, at, 1 from
            (select id, conversation, at from message union all select id, id, created from conversation)
        order by at, id;
    create trigger search_message_added after insert on message begin
        insert into search_entry (id, conversation, at) values (new.id, new.conversation, new.at)
            on conflict (id) do update set stale = 2;
    end;
    create trigger search_message_changed after update of text, items, runs, owner on message
        when old.owner is not new.owner or old.text is not new.text or old.items is not new.items or old.runs is not new.runs
    begin
        update search_entry set stale = 2 where id = new.id;
    end;
    create trigger search_message_purged after delete on message begin
        delete from search_index where rowid = (select n from search_entry where id = old.id);
        delete from search_entry where id = old.id;
    end;
    create trigger search_title_added after insert on conversation begin
        insert into search_entry (id, conversation, at) values (new.id, new.id, new.created)
            on conflict (id) do update set stale = 2;
    end;
    create trigger search_title_changed after update of title on conversation when old.title is not new.title begin
        update search_entry set stale = 2 where id = new.id;
    end;
    create trigger search_conversation_purged after delete on conversation begin
        delete from search_index where rowid = (select n from search_entry where id = old.id);
        delete from search_entry where id = old.id;
    end;
    -- What a conversation cost, without reading its messages.
    create index message_cost on message (conversation, cost) where cost is not null;
    -- Branches moved to the trash, each by its first message, and when.
    create table pruned (message text primary key, at integer not null) without rowid;
    create table bookmark (message text primary key, at integer not null) without rowid;
",
];

/// The schema version that this program writes.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Migrates the database to the newest version in one transaction.
#[cfg(test)]
pub(super) fn migrate(db: &mut Connection) -> Result<(), OpenRefusal> {
    migrate_after(db, |_| Ok(()))
}

/// Migrates the database to the newest version in one transaction. If it is an older one, `before` is called first with its
/// version, while nobody else can write; if that fails, nothing is changed.
pub(super) fn migrate_after(
    db: &mut Connection,
    before: impl Fn(u32) -> Result<(), OpenRefusal>,
) -> Result<(), OpenRefusal> {
    if check_version(db)? == VERSION {
        return Ok(());
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another instance may have migrated it in the meantime.
    let version = check_version(&transaction)?;
    if version > 0 && version < VERSION {
        before(version)?;
    }
    for migration in &MIGRATIONS[version as usize..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Creates an empty database of a version in memory.
pub(super) fn empty_database(version: u32) -> rusqlite::Result<Connection> {
    let db = Connection::open_in_memory()?;
    create_tables(&db, version)?;
    Ok(db)
}

/// Creates the tables of a version in an empty database.
pub(super) fn create_tables(db: &Connection, version: u32) -> rusqlite::Result<()> {
    MIGRATIONS.iter().take(version as usize).try_for_each(|migration| db.execute_batch(migration))?;
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    db.pragma_update(None, "user_version", version)
}

/// Returns the version of the database, or 0 for a new one.
pub(super) fn check_version(db: &Connection) -> Result<u32, OpenRefusal> {
    // One query reads all three consistently: another instance may be creating the database.
    let (version, application, objects): (u32, i32, u32) = db.query_row(
        "select (select user_version from pragma_user_version), (select application_id from pragma_application_id), \
         (select count(*) from sqlite_schema)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    match version {
        0 if objects == 0 => Ok(0),
        _ if application != APPLICATION_ID => Err(OpenRefusal::Foreign),
        _ if version > VERSION => Err(OpenRefusal::Newer(version)),
        _ => Ok(version),
    }
}
