"""What the writer asks of PostgreSQL, set by set.

What is written before anybody has looked whether the fence stands depends on it in the same statement.
"""

from services.ledger.writer import rows

FENCE = """
    UPDATE partitions SET last_sequence = %(sequence)s, last_hash = %(hash)s, last_batch = %(id)s,
        recorded_at = %(recorded_at)s
    WHERE id = %(partition)s AND term = %(term)s AND last_sequence = %(before)s AND NOT frozen
"""

# A column of empty texts, not the constant: with the constant, one plan reads the plain buckets of all
# accounts, and looks as good as any while there are few.
PLAIN_BUCKETS = "array_fill(''::text, ARRAY[cardinality(%(accounts)b::bigint[])])"

INSERT_RECORDS = """
    INSERT INTO journal (partition, sequence, recorded_at, command, header, payload, salt, hash)
    SELECT %(partition)s, %(first)s + place - 1, %(at)s, command, header, payload, salt, hash FROM unnest(
        %(commands)b::uuid[], %(headers)b::bytea[], %(payloads)b::bytea[], %(salts)b::bytea[],
        %(hashes)b::bytea[]
    ) WITH ORDINALITY made(command, header, payload, salt, hash, place) WHERE EXISTS (SELECT FROM fence)
"""
INSERT_ENTRIES = """
    INSERT INTO entries (account, sequence, amount, balance, total, bucket)
    SELECT * FROM unnest(
        %(line_accounts)b::bigint[], %(line_sequences)b::bigint[], %(line_amounts)b::bigint[],
        %(line_balances)b::bigint[], %(line_totals)b::bigint[], %(line_buckets)b::text[]
    ) WHERE EXISTS (SELECT FROM fence)
"""

# A row where the partition is as this writer left it. A batch that is written ahead locks it first.
STANDING = """
    SELECT FROM partitions WHERE id = %(partition)s AND term = %(term)s AND last_sequence = %(before)s
        AND NOT frozen
"""
WRITE_AHEAD = f"WITH fence AS ({STANDING}), written AS ({INSERT_RECORDS}) {INSERT_ENTRIES}"

TRANSFERS = f"""
fence AS ({FENCE} RETURNING 1),
written AS ({INSERT_RECORDS}),
booked AS ({INSERT_ENTRIES}),
changed AS (
    UPDATE balances SET balance = new.balance, total = new.total
    FROM unnest(
        %(accounts)b::bigint[], %(balances)b::bigint[], %(totals)b::bigint[], {PLAIN_BUCKETS}
    ) new(account, balance, total, bucket)
    WHERE balances.account = new.account AND balances.bucket = new.bucket AND EXISTS (SELECT FROM fence)
    RETURNING 1
)
"""
MORE = f"""
noted AS (
    INSERT INTO notes (partition, sequence, salt, memo, case_reference)
    SELECT %(partition)s, * FROM unnest(
        %(note_sequences)b::bigint[], %(note_salts)b::bytea[], %(memos)b::text[], %(cases)b::text[]
    ) WHERE EXISTS (SELECT FROM fence)
),
held AS (
    INSERT INTO balances (account, balance, bucket)
    SELECT * FROM unnest(
        %(held_accounts)b::bigint[], %(held_balances)b::bigint[], %(held_buckets)b::text[]
    ) WHERE EXISTS (SELECT FROM fence)
    ON CONFLICT (account, bucket) DO UPDATE SET balance = excluded.balance
),
emptied AS (
    DELETE FROM balances
    USING unnest(%(emptied_accounts)b::bigint[], %(emptied_buckets)b::text[]) gone(account, bucket)
    WHERE balances.account = gone.account AND balances.bucket = gone.bucket AND EXISTS (SELECT FROM fence)
),
altered AS (
    UPDATE accounts SET floor = new.floor, ceiling = new.ceiling, territory = new.territory,
        category = new.category, terms = new.terms
    FROM unnest(
        %(numbers)b::bigint[], %(floors)b::bigint[], %(ceilings)b::bigint[], %(territories)b::text[],
        %(categories)b::text[], %(terms)b::text[]
    ) new(number, floor, ceiling, territory, category, terms)
    WHERE accounts.number = new.number AND EXISTS (SELECT FROM fence)
    RETURNING 1
),
remembered AS (
    INSERT INTO things ({rows.THING_COLUMNS}, partition)
    SELECT *, %(partition)s FROM unnest(
        %(kinds)b::text[], %(ids)b::text[], %(owners)b::text[], %(dues)b::bigint[], %(bodies)b::text[]
    ) WHERE EXISTS (SELECT FROM fence)
    ON CONFLICT (kind, id, partition) DO UPDATE
    SET owner = excluded.owner, due_at = excluded.due_at, body = excluded.body
),
forgotten AS (
    DELETE FROM things USING unnest(%(gone_kinds)b::text[], %(gone_ids)b::text[]) gone(kind, id)
    WHERE things.kind = gone.kind AND things.id = gone.id AND things.partition = %(partition)s
        AND EXISTS (SELECT FROM fence)
)
"""
OUTCOME = """
SELECT CASE
    WHEN moved.rows = 0 THEN 0
    WHEN hit.rows = %(hits)s THEN 1
    -- A row is missing: dividing by zero takes the whole statement back.
    ELSE 1 / (moved.rows - 1)
END
FROM (SELECT count(*) FROM fence) moved(rows)
"""
WRITE_TRANSFERS = f"WITH {TRANSFERS} {OUTCOME}, (SELECT count(*) FROM changed) hit(rows)"
WRITE_MORE = (
    f"WITH {TRANSFERS}, {MORE} {OUTCOME}, "
    "(SELECT (SELECT count(*) FROM changed) + (SELECT count(*) FROM altered)) hit(rows)"
)

UPDATE_BALANCES = f"""
    UPDATE balances SET balance = new.balance, total = new.total
    FROM unnest(%(accounts)b::bigint[], %(balances)b::bigint[], %(totals)b::bigint[], {PLAIN_BUCKETS})
        new(account, balance, total, bucket)
    WHERE balances.account = new.account AND balances.bucket = new.bucket AND EXISTS ({STANDING})
"""
HOLD_BUCKETS = """
    INSERT INTO balances (account, balance, bucket)
    SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::text[])
    ON CONFLICT (account, bucket) DO UPDATE SET balance = excluded.balance
"""
EMPTY_BUCKETS = """
    DELETE FROM balances USING unnest(%b::bigint[], %b::text[]) gone(account, bucket)
    WHERE balances.account = gone.account AND balances.bucket = gone.bucket
"""
UPDATE_ACCOUNTS = """
    UPDATE accounts SET floor = new.floor, ceiling = new.ceiling, territory = new.territory,
        category = new.category, terms = new.terms
    FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[])
        new(number, floor, ceiling, territory, category, terms)
    WHERE accounts.number = new.number
"""
REMEMBER_THINGS = f"""
    INSERT INTO things ({rows.THING_COLUMNS}, partition)
    SELECT * FROM unnest(
        %b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[], %b::bigint[]
    )
    ON CONFLICT (kind, id, partition) DO UPDATE
    SET owner = excluded.owner, due_at = excluded.due_at, body = excluded.body
"""
FORGET_THINGS = """
    DELETE FROM things USING unnest(%b::text[], %b::text[]) gone(kind, id)
    WHERE things.kind = gone.kind AND things.id = gone.id AND things.partition = %b
"""

LOAD_ACCOUNTS = f"""
    SELECT bucket, balance, total, {rows.ACCOUNT_COLUMNS}
    FROM accounts JOIN balances ON balances.account = accounts.number WHERE accounts.id = ANY(%b::uuid[])
"""
LOAD_THINGS = f"""
    SELECT {rows.THING_COLUMNS} FROM things JOIN unnest(%s::text[], %s::text[]) asked(kind, id)
    USING (kind, id) WHERE partition = %s
"""

# The sum keeps the planner from taking the partition's index, which has all records of it.
LOAD_RECORDS = """
    SELECT j.command::text, j.header, j.payload, j.salt, j.hash, p.hash, n.salt, n.memo, n.case_reference
    FROM journal j LEFT JOIN journal p ON p.partition = j.partition AND p.sequence = j.sequence - 1
    LEFT JOIN notes n ON n.partition = j.partition AND n.sequence = j.sequence
    WHERE j.command = ANY(%b::uuid[]) AND j.partition + 0 = %s
"""
LOAD_REFUSALS = """
    SELECT command::text, principal, salt, content, slug, parameters, recorded_at FROM refusals
    WHERE command = ANY(%b::uuid[]) AND partition = %s
"""
COUNT_COMMANDS = """
    SELECT count(*) FROM (
        SELECT 1 FROM journal WHERE command = ANY(%(ids)b::uuid[]) AND partition + 0 = %(partition)s
        UNION ALL SELECT 1 FROM refusals WHERE command = ANY(%(ids)b::uuid[]) AND partition = %(partition)s
    ) known
"""

LOAD_RECENT = """
    SELECT command FROM (
        (SELECT command FROM journal WHERE command >= %(since)s::uuid AND command < %(until)s::uuid
            AND partition + 0 = %(partition)s ORDER BY command DESC LIMIT %(limit)s)
        UNION ALL (SELECT command FROM refusals WHERE command >= %(since)s::uuid
            AND command < %(until)s::uuid AND partition = %(partition)s ORDER BY command DESC LIMIT %(limit)s)
    ) known ORDER BY command DESC LIMIT %(limit)s
"""

# A connection that broke may live on in the server, with its lock, until the network's time-outs end it.
END_FORMER_BACKEND = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = %s AND backend_start = %s AND pid <> pg_backend_pid()
"""
END_SILENT_LEADER = """
    SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = %s AND l.objid::bigint = %s
    AND a.datname = current_database() AND a.usename = current_user
    AND a.wait_event = 'ClientRead' AND a.state_change < clock_timestamp() - make_interval(secs => %s)
"""
"""Who leads and has not said anything for so many seconds, though the server waits for it."""
MY_BACKEND = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
