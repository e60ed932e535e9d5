/** The windows of rate limits that gateways count together. */
import type { Migration } from "./migrate.ts";

/**
 * The rows are unlogged: a crash or a failover of the database begins new windows, as a restart of a gateway without
 * `shared` does, and counting costs no flush.
 */
export const limits: Migration = {
  version: 4,
  name: "limits",
  sql: `
    CREATE UNLOGGED TABLE limit_window (
      key text PRIMARY KEY,
      -- The smallest of the gateways that used it in this window.
      points bigint NOT NULL,
      begins timestamptz NOT NULL,
      ends timestamptz NOT NULL,
      -- Points that gateways have, used or not.
      taken bigint NOT NULL
    );
    -- Rows are locked in the order of their keys, so that no two calls wait for each other. A window is named by its
    -- begin in microseconds. Points that are needed now come first; of the rest at most half goes for later use.
    CREATE FUNCTION take_limits(asks jsonb) RETURNS jsonb LANGUAGE plpgsql AS $body$
    DECLARE
      ask record;
      found limit_window;
      instant timestamptz;
      given bigint;
      free bigint;
      answers jsonb := '[]';
    BEGIN
      FOR ask IN
        SELECT (a.value->>'key') AS key, (a.value->>'points')::bigint AS points,
          (a.value->>'seconds')::float8 * interval '1 second' AS length, a.value->>'window' AS window,
          (a.value->>'back')::bigint AS back, (a.value->>'need')::bigint AS need, (a.value->>'want')::bigint AS want,
          (a.value->>'extra')::bigint AS extra, a.ordinality - 1 AS at
        FROM jsonb_array_elements(asks) WITH ORDINALITY AS a ORDER BY 1, a.ordinality
      LOOP
        INSERT INTO limit_window (key, points, begins, ends, taken)
          VALUES (ask.key, ask.points, 'epoch', 'epoch', 0) ON CONFLICT DO NOTHING;
        SELECT * INTO found FROM limit_window AS l WHERE l.key = ask.key FOR UPDATE;
        instant := clock_timestamp();
        IF instant >= found.ends OR instant < found.begins THEN
          found.points := ask.points;
          found.taken := 0;
          found.begins := instant;
          found.ends := instant;
          IF ask.need + ask.extra > 0 THEN found.ends := instant + ask.length; END IF;
        ELSE
          found.points := least(found.points, ask.points);
          found.ends := greatest(found.ends, found.begins + ask.length);
          IF ask.window = (extract(epoch FROM found.begins) * 1000000)::bigint::text THEN
            found.taken := greatest(0, found.taken - ask.back);
          END IF;
        END IF;
        found.taken := found.taken + ask.extra;
        given := 0;
        IF found.ends > instant THEN
          free := greatest(0, found.points - found.taken);
          given := least(free, ask.need);
          given := given + least(ask.want, (free - given) / 2);
          found.taken := found.taken + given;
        END IF;
        UPDATE limit_window AS l SET points = found.points, begins = found.begins, ends = found.ends,
          taken = found.taken WHERE l.key = ask.key;
        answers := answers || jsonb_build_object('at', ask.at,
          'window', (extract(epoch FROM found.begins) * 1000000)::bigint::text, 'given', given,
          'rest', greatest(0, found.points - found.taken),
          'ms', extract(epoch FROM found.ends - instant) * 1000);
      END LOOP;
      RETURN answers;
    END $body$;
  `,
};
