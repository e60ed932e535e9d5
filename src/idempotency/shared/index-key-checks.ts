/**
 * Gateways that share keys must make the same HMACs, or they would not know each other's repeats. Each one leaves check
 * values of its index keys in the database, and takes no keys unless it has one in common with every other gateway, and
 * no other secret under the same epoch.
 */
import type { Query } from "../../cluster/database.ts";
import { checkValueOf } from "../../journal/integrity/key-checks.ts";
import { indexKeysOf, type IndexKeys } from "../../journal/redact.ts";

/** Resolves to a sentence if another gateway has other keys; rejects with DatabaseUnavailable. */
export const indexKeyFault = async (query: Query, keys: IndexKeys, node: string): Promise<string | undefined> => {
  const own = new Map(indexKeysOf(keys).map(({ epoch, secret }) => [epoch, checkValueOf(secret)]));
  // Written before the others' are read, so that of two gateways that begin at once at least one sees the other.
  await query({
    text: `WITH gone AS (DELETE FROM index_key_check WHERE node = $3 AND epoch <> ALL($1::text[]))
      INSERT INTO index_key_check (node, epoch, value)
      SELECT $3, g.epoch, g.value FROM unnest($1::text[], $2::text[]) AS g(epoch, value)
      ON CONFLICT (node, epoch) DO UPDATE SET value = EXCLUDED.value`,
    values: [[...own.keys()], [...own.values()], node],
  });
  const others = await query<{ node: string; epochs: Readonly<Record<string, string>> }>({
    text: `SELECT c.node, json_object_agg(c.epoch, c.value) AS epochs FROM index_key_check c
      JOIN node n ON n.name = c.node WHERE c.node <> $1 AND n.stopped IS NULL GROUP BY c.node ORDER BY c.node`,
    values: [node],
  });
  for (const other of others) {
    const common = Object.entries(other.epochs).filter(([epoch]) => own.has(epoch));
    const differs = common.find(([epoch, value]) => own.get(epoch) !== value);
    if (differs)
      return `audit.index_key, epoch ${differs[0]}: the secret is not the one of the node ${other.node}; ${REMEDY}`;
    if (common.length === 0) return `audit.index_key has no epoch in common with the node ${other.node}; ${REMEDY}`;
  }
  return undefined;
};

const REMEDY = "give all nodes the same index keys (a node that will not come back: ocsgw nodes --forget)";
