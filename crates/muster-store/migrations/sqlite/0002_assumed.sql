-- Stays that were assumed to have ended: how one ended is told by who comes next.
CREATE INDEX stay_assumed ON stay (subject, subject_id, from_at) WHERE ended = 'assumed';
