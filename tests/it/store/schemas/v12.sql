pragma application_id = 1768057188;
pragma user_version = 12;
CREATE TABLE conversation (
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
        left_out text not null default '[]', origin text, tags text not null default '[]', pinned_at integer, archived_at integer, model text not null default '', reading text);
CREATE TABLE message (
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
    , runs text, course text, bills text);
CREATE TABLE growth (
        n integer primary key,
        message text not null,
        at integer not null,
        events text not null
    );
CREATE TABLE setting (name text primary key, value text not null) without rowid;
CREATE TABLE recording (
        n integer primary key autoincrement,
        message text not null unique,
        bytes integer not null,
        pieces text not null
    );
CREATE TABLE recorded (
        n integer primary key,
        message text not null,
        most integer not null,
        pieces text not null
    , before text not null default '{"pieces":0,"bytes":0}', bytes integer not null default 0);
CREATE TABLE outcome (
        message text not null,
        step integer not null,
        place integer not null,
        content text not null,
        primary key (message, step, place)
    );
CREATE TABLE queued (
        id text primary key,
        conversation text not null references conversation (id),
        -- The run of the program that sends it; anyone may send it once that run has ended.
        owner text not null,
        text text not null
    );
CREATE TABLE call_run (
        message text not null,
        step integer not null,
        place integer not null,
        run text not null,
        primary key (message, step, place)
    );
CREATE TABLE tool_grant (
        server text not null,
        tool text not null,
        -- The file that names the server.
        file text not null,
        -- What the tool was like, as JSON.
        snapshot text not null,
        primary key (server, tool, file)
    ) without rowid;
CREATE TABLE source_check (
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
CREATE TABLE side_cost (n integer primary key, message text not null, at integer not null, cost text not null, model text);
CREATE TABLE imported (hash text primary key, conversation text not null) without rowid;
CREATE TABLE search_entry (
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
CREATE VIRTUAL TABLE search_index using fts5
        (tokens, content='', contentless_delete=1, detail=none, tokenize='ascii');
CREATE TABLE pruned (message text primary key, at integer not null) without rowid;
CREATE TABLE bookmark (message text primary key, at integer not null) without rowid;
CREATE INDEX message_of on message (conversation, id);
CREATE INDEX message_open on message (owner) where owner is not null;
CREATE INDEX message_prompt on message (at desc, id desc) where role = 'prompt';
CREATE INDEX growth_of on growth (message, n);
CREATE INDEX recording_size on recording (n, bytes);
CREATE INDEX message_spent on message (ended, cost) where cost is not null;
CREATE INDEX recorded_of on recorded (message, n, bytes);
CREATE INDEX queued_of on queued (conversation, id);
CREATE INDEX side_cost_spent on side_cost (at, cost);
CREATE INDEX conversation_listed on conversation
        (updated desc, id desc, title, unread, failed, trashed_at, model, tags, pinned_at, archived_at)
        where trashed_at is null;
CREATE INDEX conversation_pinned on conversation (pinned_at) where pinned_at is not null and trashed_at is null;
CREATE INDEX conversation_trashed on conversation (trashed_at) where trashed_at is not null;
CREATE INDEX search_stale on search_entry (stale, n) where stale > 0;
CREATE INDEX message_cost on message (conversation, cost) where cost is not null;
insert into conversation values ('01990000-0000-7000-8000-000000000001', 'Legs of a table', 1, '{"endpoint":"openrouter","model":"acme/large","effort":"high","web":true}', '["01991111-0000-7000-8000-000000000001", "01991111-0000-7000-8000-000000000002", "01991111-0000-7000-8000-000000000003", "01991111-0000-7000-8000-000000000004"]', 1790000001000000000, 1790000101000000000, 0, 0, NULL, 'half a thought', '["01991111-0000-7000-8000-000000000001"]', NULL, '[]', NULL, NULL, 'acme/large', NULL);
insert into conversation values ('01990000-0000-7000-8000-000000000002', 'Zwölf 机器', 0, '{"endpoint":"openrouter","model":"acme/large","effort":"high","web":true}', '["01991111-0000-7000-8000-000000000005", "01991111-0000-7000-8000-000000000006"]', 1790000002000000000, 1790000102000000000, 1, 0, NULL, '', '[]', NULL, '[]', NULL, NULL, 'acme/large', NULL);
insert into conversation values ('01990000-0000-7000-8000-000000000003', 'Broken off', 0, '{"endpoint":"openrouter","model":"acme/large","effort":"high","web":true}', '["01991111-0000-7000-8000-000000000007", "01991111-0000-7000-8000-000000000008"]', 1790000003000000000, 1790000103000000000, 0, 1, NULL, '', '[]', NULL, '[]', NULL, NULL, 'acme/large', NULL);
insert into conversation values ('01990000-0000-7000-8000-000000000004', 'Thrown away', 0, '{"endpoint":"openrouter","model":"acme/large","effort":"high","web":true}', '["01991111-0000-7000-8000-000000000009"]', 1790000004000000000, 1790000104000000000, 0, 0, 1790000500000000000, '', '[]', NULL, '[]', NULL, NULL, 'acme/large', NULL);
insert into message values ('01991111-0000-7000-8000-000000000001', '01990000-0000-7000-8000-000000000001', NULL, 'prompt', 1790000001000000000, 1, 'Why has a table four legs?', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-000000000002', '01990000-0000-7000-8000-000000000001', '01991111-0000-7000-8000-000000000001', 'answer', 1790000002000000000, 3, NULL, 'openrouter', 'acme/large', 'acme/large-2026', '"complete"', NULL, 12, 0, 7, 3, '0.0012', 'gen-2', 1790000002000000000, 1790000002000000000, 1790000003000000000, '[]', '[{"step":0,"index":0,"opened":1790000002000000000,"closed":1790000003000000000,"raw":{"type":"message","id":"msg_2","role":"assistant","content":[{"type":"output_text","text":"Because three wobble less.","annotations":[]}]}}]', NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-000000000003', '01990000-0000-7000-8000-000000000001', '01991111-0000-7000-8000-000000000002', 'prompt', 1790000003000000000, 1, 'Is that so?', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-000000000004', '01990000-0000-7000-8000-000000000001', '01991111-0000-7000-8000-000000000003', 'answer', 1790000004000000000, 3, NULL, 'openrouter', 'acme/large', 'acme/large-2026', '"complete"', NULL, 12, 0, 7, 3, '2.10e-05', 'gen-4', 1790000004000000000, 1790000004000000000, 1790000005000000000, '[]', '[{"step":0,"index":0,"opened":1790000004000000000,"closed":1790000005000000000,"raw":{"type":"message","id":"msg_4","role":"assistant","content":[{"type":"output_text","text":"No: three never wobble.","annotations":[]}]}}]', '[]', '{"effort":"high","web":true,"temperature":null,"top_p":null,"max_output_tokens":null,"attempts":0,"first_byte":null,"provider":"Acme"}', NULL);
insert into message values ('01991111-0000-7000-8000-000000000005', '01990000-0000-7000-8000-000000000002', NULL, 'prompt', 1790000005000000000, 1, '机器学习是什么？', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-000000000006', '01990000-0000-7000-8000-000000000002', '01991111-0000-7000-8000-000000000005', 'answer', 1790000006000000000, 3, NULL, 'openrouter', 'acme/large', 'acme/large-2026', '"complete"', NULL, 12, 0, 7, 3, NULL, 'gen-6', 1790000006000000000, 1790000006000000000, 1790000007000000000, '[]', '[{"step":0,"index":0,"opened":1790000006000000000,"closed":1790000007000000000,"raw":{"type":"message","id":"msg_6","role":"assistant","content":[{"type":"output_text","text":"Lernen aus Daten.","annotations":[]}]}}]', NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-000000000007', '01990000-0000-7000-8000-000000000003', NULL, 'prompt', 1790000007000000000, 1, 'Count to a million', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-000000000008', '01990000-0000-7000-8000-000000000003', '01991111-0000-7000-8000-000000000007', 'answer', 1790000008000000000, 4, NULL, 'openrouter', 'acme/large', 'acme/large-2026', '"interrupted"', NULL, 12, 0, 7, 3, NULL, 'gen-8', 1790000008000000000, 1800000000000000000, 1790000009000000000, '[]', '[{"step":0,"index":0,"opened":1800000000000000000,"closed":null,"raw":null,"kind":{"message":{"parts":[{"text":{"text":"One, two"}}],"phase":null}}}]', NULL, '{"effort":null,"web":false,"temperature":null,"top_p":null,"max_output_tokens":null,"attempts":0,"first_byte":null,"provider":null}', '[{"step":0,"generation":"gen-8","usage":{"input":12,"cached":0,"output":7,"reasoning":3,"cost":null}}]');
insert into message values ('01991111-0000-7000-8000-000000000009', '01990000-0000-7000-8000-000000000004', NULL, 'prompt', 1790000009000000000, 1, 'Nothing of worth', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-00000000000a', '01990000-0000-7000-8000-000000000001', '01991111-0000-7000-8000-000000000001', 'answer', 1790000010000000000, 3, NULL, 'openrouter', 'acme/large', 'acme/large-2026', '"complete"', NULL, 12, 0, 7, 3, '0.001', 'gen-10', 1790000010000000000, 1790000010000000000, 1790000011000000000, '[]', '[{"step":0,"index":0,"opened":1790000010000000000,"closed":1790000011000000000,"raw":{"type":"message","id":"msg_10","role":"assistant","content":[{"type":"output_text","text":"Another version.","annotations":[]}]}}]', NULL, NULL, '[{"step":0,"generation_id":"gen-4","usage":null}]');
insert into outcome values ('01991111-0000-7000-8000-000000000004', 0, 1, '{"blocks":[],"is_error":false}');
insert into queued values ('01990000-0000-7000-8000-000000000001', '01990000-0000-7000-8000-000000000001', '', 'and then?');
insert into recording values (1, '01991111-0000-7000-8000-000000000002', 2, '[]');
insert into recording values (2, '01991111-0000-7000-8000-000000000008', 221, '{"most":1000,"head":[{"at":"2026-09-21T14:13:29Z","what":{"failed":"the program ended before the answer did; the last events were not written"}}],"head_bytes":169,"tail":[],"tail_bytes":0,"dropped":{"pieces":0,"bytes":0}}');
insert into search_entry values (1, '01990000-0000-7000-8000-000000000001', '01990000-0000-7000-8000-000000000001', 1790000001000000000, NULL, 0);
insert into search_entry values (2, '01991111-0000-7000-8000-000000000001', '01990000-0000-7000-8000-000000000001', 1790000001000000000, '', 0);
insert into search_entry values (3, '01990000-0000-7000-8000-000000000002', '01990000-0000-7000-8000-000000000002', 1790000002000000000, NULL, 0);
insert into search_entry values (4, '01991111-0000-7000-8000-000000000002', '01990000-0000-7000-8000-000000000001', 1790000002000000000, 'acme/large
acme/large-2026', 0);
insert into search_entry values (5, '01990000-0000-7000-8000-000000000003', '01990000-0000-7000-8000-000000000003', 1790000003000000000, NULL, 0);
insert into search_entry values (6, '01991111-0000-7000-8000-000000000003', '01990000-0000-7000-8000-000000000001', 1790000003000000000, '', 0);
insert into search_entry values (7, '01990000-0000-7000-8000-000000000004', '01990000-0000-7000-8000-000000000004', 1790000004000000000, NULL, 0);
insert into search_entry values (8, '01991111-0000-7000-8000-000000000004', '01990000-0000-7000-8000-000000000001', 1790000004000000000, 'acme/large
acme/large-2026', 0);
insert into search_entry values (9, '01991111-0000-7000-8000-000000000005', '01990000-0000-7000-8000-000000000002', 1790000005000000000, '', 0);
insert into search_entry values (10, '01991111-0000-7000-8000-000000000006', '01990000-0000-7000-8000-000000000002', 1790000006000000000, 'acme/large
acme/large-2026', 0);
insert into search_entry values (11, '01991111-0000-7000-8000-000000000007', '01990000-0000-7000-8000-000000000003', 1790000007000000000, '', 0);
insert into search_entry values (12, '01991111-0000-7000-8000-000000000008', '01990000-0000-7000-8000-000000000003', 1790000008000000000, 'acme/large
acme/large-2026', 0);
insert into search_entry values (13, '01991111-0000-7000-8000-000000000009', '01990000-0000-7000-8000-000000000004', 1790000009000000000, '', 0);
insert into search_entry values (14, '01991111-0000-7000-8000-00000000000a', '01990000-0000-7000-8000-000000000001', 1790000010000000000, 'acme/large
acme/large-2026', 0);
insert into setting values ('hint enter', '2');
insert into setting values ('new draft', 'of none');
insert into setting values ('unconfirmed rules', 'all');
insert into setting values ('use theme', '3');
insert into side_cost values (1, '01991111-0000-7000-8000-000000000004', 1790000021000000000, '0.0003', NULL);
insert into source_check values ('01991111-0000-7000-8000-000000000004', 'https://example.org', 1790000020000000000, NULL, '{}');
insert into tool_grant values ('files', 'read', '/a/.mcp.json', '{"file":"/a/.mcp.json","target":"t","schema":"s","description":"d","hints":"h"}');
CREATE TRIGGER search_message_added after insert on message begin
        insert into search_entry (id, conversation, at) values (new.id, new.conversation, new.at)
            on conflict (id) do update set stale = 2;
    end;
CREATE TRIGGER search_message_changed after update of text, items, runs, owner on message
        when old.owner is not new.owner or old.text is not new.text or old.items is not new.items or old.runs is not new.runs
    begin
        update search_entry set stale = 2 where id = new.id;
    end;
CREATE TRIGGER search_message_purged after delete on message begin
        delete from search_index where rowid = (select n from search_entry where id = old.id);
        delete from search_entry where id = old.id;
    end;
CREATE TRIGGER search_title_added after insert on conversation begin
        insert into search_entry (id, conversation, at) values (new.id, new.id, new.created)
            on conflict (id) do update set stale = 2;
    end;
CREATE TRIGGER search_title_changed after update of title on conversation when old.title is not new.title begin
        update search_entry set stale = 2 where id = new.id;
    end;
CREATE TRIGGER search_conversation_purged after delete on conversation begin
        delete from search_index where rowid = (select n from search_entry where id = old.id);
        delete from search_entry where id = old.id;
    end;
insert into growth values (1, '01991111-0000-7000-8000-000000000008', 1790000009000000000, '{"step":0,"at":"2027-01-15T08:00:00Z","type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"One, two"}
');
insert into recorded values (1, '01991111-0000-7000-8000-000000000008', 1000, '[]', '{"pieces":0,"bytes":0}', 0);
insert into call_run values ('01991111-0000-7000-8000-000000000008', 0, 1, '{}');
insert into imported values ('0f', '01990000-0000-7000-8000-000000000002');
insert into pruned values ('01991111-0000-7000-8000-0000000000ff', 1790000009000000000);
insert into bookmark values ('01991111-0000-7000-8000-000000000008', 1790000009000000000);
