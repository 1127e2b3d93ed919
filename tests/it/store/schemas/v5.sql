pragma application_id = 1768057188;
pragma user_version = 5;
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
        queue text not null default '[]'
    , left_out text not null default '[]');
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
    , runs text);
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
    );
CREATE INDEX conversation_listed on conversation (updated desc, id desc, title, unread, failed, trashed_at)
        where trashed_at is null;
CREATE INDEX message_of on message (conversation, id);
CREATE INDEX message_open on message (owner) where owner is not null;
CREATE INDEX message_prompt on message (at desc, id desc) where role = 'prompt';
CREATE INDEX growth_of on growth (message, n);
CREATE INDEX recording_size on recording (n, bytes);
CREATE INDEX recorded_of on recorded (message, n);
insert into conversation values ('01990000-0000-7000-8000-000000000001', 'Legs of a table', 1, '{"endpoint":"openrouter","model":"acme/large","effort":"high","web":true}', '["01991111-0000-7000-8000-000000000001", "01991111-0000-7000-8000-000000000002", "01991111-0000-7000-8000-000000000003", "01991111-0000-7000-8000-000000000004"]', 1790000001000000000, 1790000101000000000, 0, 0, NULL, 'half a thought', '["and then?"]', '["01991111-0000-7000-8000-000000000001"]');
insert into conversation values ('01990000-0000-7000-8000-000000000002', 'Zwölf 机器', 0, '{"endpoint":"openrouter","model":"acme/large","effort":"high","web":true}', '["01991111-0000-7000-8000-000000000005", "01991111-0000-7000-8000-000000000006"]', 1790000002000000000, 1790000102000000000, 1, 0, NULL, '', '[]', '[]');
insert into conversation values ('01990000-0000-7000-8000-000000000003', 'Broken off', 0, '{"endpoint":"openrouter","model":"acme/large","effort":"high","web":true}', '["01991111-0000-7000-8000-000000000007", "01991111-0000-7000-8000-000000000008"]', 1790000003000000000, 1790000103000000000, 0, 1, NULL, '', '[]', '[]');
insert into conversation values ('01990000-0000-7000-8000-000000000004', 'Thrown away', 0, '{"endpoint":"openrouter","model":"acme/large","effort":"high","web":true}', '["01991111-0000-7000-8000-000000000009"]', 1790000004000000000, 1790000104000000000, 0, 0, 1790000500000000000, '', '[]', '[]');
insert into message values ('01991111-0000-7000-8000-000000000001', '01990000-0000-7000-8000-000000000001', NULL, 'prompt', 1790000001000000000, 1, 'Why has a table four legs?', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-000000000002', '01990000-0000-7000-8000-000000000001', '01991111-0000-7000-8000-000000000001', 'answer', 1790000002000000000, 3, NULL, 'openrouter', 'acme/large', 'acme/large-2026', '"complete"', NULL, 12, 0, 7, 3, '0.0012', 'gen-2', 1790000002000000000, 1790000002000000000, 1790000003000000000, '[]', '[{"step":0,"index":0,"opened":1790000002000000000,"closed":1790000003000000000,"raw":{"type":"message","id":"msg_2","role":"assistant","content":[{"type":"output_text","text":"Because three wobble less.","annotations":[]}]}}]', NULL);
insert into message values ('01991111-0000-7000-8000-000000000003', '01990000-0000-7000-8000-000000000001', '01991111-0000-7000-8000-000000000002', 'prompt', 1790000003000000000, 1, 'Is that so?', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-000000000004', '01990000-0000-7000-8000-000000000001', '01991111-0000-7000-8000-000000000003', 'answer', 1790000004000000000, 3, NULL, 'openrouter', 'acme/large', 'acme/large-2026', '"complete"', NULL, 12, 0, 7, 3, '2.10e-05', 'gen-4', 1790000004000000000, 1790000004000000000, 1790000005000000000, '[]', '[{"step":0,"index":0,"opened":1790000004000000000,"closed":1790000005000000000,"raw":{"type":"message","id":"msg_4","role":"assistant","content":[{"type":"output_text","text":"No: three never wobble.","annotations":[]}]}}]', '[]');
insert into message values ('01991111-0000-7000-8000-000000000005', '01990000-0000-7000-8000-000000000002', NULL, 'prompt', 1790000005000000000, 1, '机器学习是什么？', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-000000000006', '01990000-0000-7000-8000-000000000002', '01991111-0000-7000-8000-000000000005', 'answer', 1790000006000000000, 3, NULL, 'openrouter', 'acme/large', 'acme/large-2026', '"complete"', NULL, 12, 0, 7, 3, NULL, 'gen-6', 1790000006000000000, 1790000006000000000, 1790000007000000000, '[]', '[{"step":0,"index":0,"opened":1790000006000000000,"closed":1790000007000000000,"raw":{"type":"message","id":"msg_6","role":"assistant","content":[{"type":"output_text","text":"Lernen aus Daten.","annotations":[]}]}}]', NULL);
insert into message values ('01991111-0000-7000-8000-000000000007', '01990000-0000-7000-8000-000000000003', NULL, 'prompt', 1790000007000000000, 1, 'Count to a million', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-000000000008', '01990000-0000-7000-8000-000000000003', '01991111-0000-7000-8000-000000000007', 'answer', 1790000008000000000, 3, NULL, 'openrouter', 'acme/large', 'acme/large-2026', '"open"', '01990000-0000-7000-8000-00000000dead', 12, 0, 7, 3, NULL, 'gen-8', 1790000008000000000, NULL, NULL, '[]', '[]', NULL);
insert into message values ('01991111-0000-7000-8000-000000000009', '01990000-0000-7000-8000-000000000004', NULL, 'prompt', 1790000009000000000, 1, 'Nothing of worth', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
insert into message values ('01991111-0000-7000-8000-00000000000a', '01990000-0000-7000-8000-000000000001', '01991111-0000-7000-8000-000000000001', 'answer', 1790000010000000000, 3, NULL, 'openrouter', 'acme/large', 'acme/large-2026', '"complete"', NULL, 12, 0, 7, 3, '0.001', 'gen-10', 1790000010000000000, 1790000010000000000, 1790000011000000000, '[]', '[{"step":0,"index":0,"opened":1790000010000000000,"closed":1790000011000000000,"raw":{"type":"message","id":"msg_10","role":"assistant","content":[{"type":"output_text","text":"Another version.","annotations":[]}]}}]', NULL);
insert into growth values (1, '01991111-0000-7000-8000-000000000008', 1790000009000000000, '{"step":0,"at":"2027-01-15T08:00:00Z","type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"One, two"}
');
insert into setting values ('hint enter', '2');
insert into setting values ('new draft', 'of none');
insert into setting values ('use theme', '3');
insert into recording values (1, '01991111-0000-7000-8000-000000000002', 2, '[]');
insert into recorded values (1, '01991111-0000-7000-8000-000000000008', 1000, '[]');
