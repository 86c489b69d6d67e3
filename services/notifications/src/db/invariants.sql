-- Watched by the running shop as well: what names :since is looked at where it has moved since then, the rest whole.
-- I16: a message that is still to go is found by the sweep
select id from messages where status in ('queued', 'sending') and due_at is null;
-- I16: a message was sent when it says so, and not otherwise
select id from messages where created_at >= :since - interval '1 day' and (status = 'sent') <> (sent_at is not null);
-- I17: a sign-in code is kept, sealed, only until its message has gone or was given up
select id from messages where sealed_code is not null and status not in ('queued', 'sending');
-- AU-2: a sign-in code is sent by SMS alone, and is not worth sending for ever
select id from messages where created_at >= :since and template = 'otp' and (channel <> 'sms' or expires_at is null);
