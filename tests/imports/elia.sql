create table chat (id integer primary key, model varchar, title varchar, started_at datetime);
create table message (id integer primary key, chat_id integer references chat(id), role varchar not null, content varchar not null, timestamp datetime, status varchar, end_turn boolean, weight float, meta json, recipient varchar);
insert into chat values (1, 'gpt-4o', 'Knots', '2024-03-01 10:00:00.000000');
insert into message values (1, 1, 'system', 'You tie knots.', '2024-03-01 10:00:00', null, null, null, '{}', null);
insert into message values (2, 1, 'user', 'A knot for two ropes?', '2024-03-01 10:00:05', null, null, null, '{}', null);
insert into message values (3, 1, 'assistant', 'A sheet bend.', '2024-03-01 10:00:08', null, null, null, '{}', null);
insert into message values (4, 1, 'oracle', 'Beware of nylon.', '2024-03-01 10:00:09', null, null, null, '{}', null);
insert into chat values (2, 'gpt-4o', 'Nothing', '2024-03-02 10:00:00.000000');
