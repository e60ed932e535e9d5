/** The migrations in order. Add new ones at the end; a released one is never changed. */
import { nodes } from "./001-nodes.ts";
import { ownershipLog } from "./002-ownership-log.ts";
import { lanes } from "./003-lanes.ts";
import { limits } from "./004-limits.ts";
import { revocations } from "./005-revocations.ts";
import { openDncs } from "./006-open-dncs.ts";
import { idempotencyKeys } from "./007-idempotency-keys.ts";
import { outbox } from "./008-outbox.ts";
import { cosignatures } from "./009-cosignatures.ts";
import type { Migration } from "./migrate.ts";

export const MIGRATIONS: readonly Migration[] = [
  nodes,
  ownershipLog,
  lanes,
  limits,
  revocations,
  openDncs,
  idempotencyKeys,
  outbox,
  cosignatures,
];
