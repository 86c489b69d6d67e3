-- Watched by the running shop as well: what names :since is looked at where it has moved since then, the rest whole.
-- AU-1: every account has one Iranian mobile number and at least one role
select id from users where phone !~ '^\+989[0-9]{9}$' or cardinality(roles) = 0;
-- I23: a phone has at most one code that can be tried for each kind of asker, and none was tried more than five times
select (array_agg(id))[1] as id from otp_challenges where status = 'issued' group by phone, asker having count(*) > 1
union all select id from otp_challenges where attempt_count > 5;
-- I23: every code that was used was tried
select id from otp_challenges where status = 'consumed' and attempt_count = 0;
-- AU-7: nobody has more than ten live sessions
select user_id, count(*) from sessions
where revoked_at is null and created_at > now() - interval '30 days' and last_seen_at > now() - interval '14 days'
group by user_id having count(*) > 10;
-- AU-8: a banned user has no live session
select s.id from sessions s join users u on u.id = s.user_id where u.status = 'banned' and s.revoked_at is null;
-- I22: every ended session says why, and only ended ones do
select id from sessions where (revoked_at is null) <> (revoke_reason is null);
-- I22: a spent refresh token is not at the same time one that is taken
select s.id from sessions s join spent_tokens t on t.token_hash in (s.token_hash, s.previous_hash) where s.rotated_at >= :since or t.at >= :since;
-- I14: every ended session was told, once; what was told is forgotten after seven days
select s.id from sessions s
left join (select jsonb_array_elements_text(data->'sessionIds')::uuid as session_id from outbox
  where type = 'session.revoked' and created_at >= greatest(:since, now() - interval '6 days')) told on told.session_id = s.id
where s.revoked_at >= greatest(:since, now() - interval '6 days') group by s.id having count(told.session_id) <> 1;
-- I24: the last change of an account's roles or status is in the log of changes, or there was none
select u.id from users u
left join lateral (select after->>'status' as status from identity_audit a where a.user_id = u.id and a.action = 'set-status' order by a.at desc, a.id desc limit 1) s on true
left join lateral (select after->'roles' as roles from identity_audit a where a.user_id = u.id and a.action = 'set-roles' order by a.at desc, a.id desc limit 1) r on true
where (u.status <> 'active' or u.roles <> '{customer}' or u.id in (select user_id from identity_audit))
  and (u.status <> coalesce(s.status, 'active') or to_jsonb(u.roles) <> coalesce(r.roles, '["customer"]'));
-- A31: there is a key that signs
select 'no signing key' as missing where not exists (select from signing_keys where signs_from <= now() and retires_at > now());
