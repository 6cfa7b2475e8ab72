-- Who has acted is counted by the month, which is thirty days. Events that are counted already are added once.
INSERT INTO ee_audit_tallies (field, hour, stage, outcome, value, count)
SELECT 'actorId', e.ts - ((e.ts % 2592000000000) + 2592000000000) % 2592000000000 AS hour,
    e.stage, e.outcome, substr(e.actor_id, 1, 200) AS value, count(*)
FROM ee_audit_indexed AS i
JOIN ee_audit_events AS e ON e.number > i.log * 1099511627776 AND e.number <= i.number
GROUP BY 2, 3, 4, 5;
