create table project (id text primary key, worktree text);
create table session (id text primary key, project_id text, parent_id text, slug text, directory text, title text, version text, time_created integer, time_updated integer);
create table message (id text primary key, session_id text, time_created integer, time_updated integer, data text);
create table part (id text primary key, message_id text, session_id text, time_created integer, time_updated integer, data text);
insert into session values ('ses_d', 'global', null, 'x', '/p', 'In the database', '1.2.0', 1760000000000, 1760000060000);
insert into message values ('msg_1', 'ses_d', 1760000001000, 1, '{"role":"user","time":{"created":1760000001000}}');
insert into message values ('msg_2', 'ses_d', 1760000002000, 1, '{"role":"assistant","modelID":"gpt-5","cost":0,"time":{"created":1760000002000}}');
insert into part values ('prt_1', 'msg_1', 'ses_d', 1, 1, '{"type":"text","text":"What is here?"}');
insert into part values ('prt_2', 'msg_2', 'ses_d', 1, 1, '{"type":"text","text":"A table."}');
