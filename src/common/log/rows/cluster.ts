/** Events of gateways that share a database. */
import { list, number, text, type EventRows } from "../event-row.ts";

const node = text("name of the gateway");
const database = text("database, servers and user");

export const CLUSTER_EVENTS = {
  clusterJoined: {
    level: "info",
    message: "This gateway is node {node} of the shared {database}. Live nodes: {live}",
    fields: { node, database, live: list("the names of all live nodes, this one included") },
  },
  sharedTablesCreated: {
    level: "info",
    message: "The tables of the shared {database} were created or extended: {migrations}",
    fields: { database, migrations: list("names of the migrations, in order") },
  },
  nodeJoined: {
    level: "info",
    message: "The node {node} (version {version}) has joined",
    fields: { node, version: text("its version of the gateway") },
  },
  nodeStopped: { level: "info", message: "The node {node} has stopped in order", fields: { node } },
  sharedDatabaseUnavailable: {
    level: "warn",
    message: "The shared {database} does not answer: {reason}",
    action:
      "If it lasts longer than a second, requests with record handles that this node does not know get 503 " +
      "OCSGW-5104; all other requests are served. The gateway tries again four times a second, and logs " +
      "sharedDatabaseAvailable when it works",
    fields: { database, reason: text("what the server or the network answered") },
  },
  sharedKeysUnavailable: {
    level: "error",
    message:
      "Idempotency keys cannot be kept in the shared {database}: {reason}. Requests with the header Idempotency-Key " +
      "get 503 OCSGW-5104 and are not sent; all others are served as usual",
    action:
      "Repair the database, or give all nodes the same audit.index_key; the gateway tries again with each such request",
    fields: { database, reason: text("what the server or the network answered, or which keys differ") },
  },
  sharedDatabaseAvailable: {
    level: "info",
    message: "The shared {database} answers again, after {seconds} s",
    fields: { database, seconds: number("how long it did not answer") },
  },
  openDncsNotShared: {
    level: "warn",
    message:
      "Open Do-Not-Calls are not shared with the other gateways: {reason}. What OCS confirmed at other gateways " +
      "stays listed as open here",
    action:
      "Restore the database, or the journal's disk. The gateway tries again each second, and logs " +
      "openDncsSharedAgain when it works",
    fields: { reason: text("what the database or the disk answered") },
  },
  openDncsSharedAgain: {
    level: "info",
    message: "Open Do-Not-Calls are shared with the other gateways again",
    fields: {},
  },
  indexKeysDiffer: {
    level: "error",
    message: "Gateways that share a database have different index keys: {differing}",
    action: "Give all gateways the same audit.index_key. Until then search each journal by its own key",
    fields: { differing: text("which gateways, and what it means") },
  },
  leaseLost: {
    level: "warn",
    message: "The lease of this node in the shared database has ended",
    action:
      "Other nodes no longer wait for this one. It answers from memory only after the database answers again; look " +
      "for sharedDatabaseUnavailable before this line, or for a machine that stood still",
    fields: {},
  },
  leaseRegained: { level: "info", message: "This node has its lease in the shared database again", fields: {} },
  laneLeaseLost: {
    level: "warn",
    message: "The lease of this node's lanes to upstream {upstream} has ended; it goes on with {lanes}",
    action:
      "The node did not reach the shared database for 10 s, or its machine stood still. Requests wait longer. Look " +
      "for sharedDatabaseUnavailable before this line; it gets its lanes back by itself",
    fields: { upstream: text("the upstream's name in the config"), lanes: number("lanes that it keeps") },
  },
  laneLeaseRegained: {
    level: "info",
    message: "This node has its lease of lanes to upstream {upstream} again: {lanes}",
    fields: { upstream: text("the upstream's name in the config"), lanes: number("lanes that it has now") },
  },
  noLaneLeft: {
    level: "error",
    message:
      "This node has no lane to upstream {upstream}: all {total} are held by other nodes, or kept for them " +
      "({gateways} nodes)",
    action:
      "Requests for this upstream wait here until they time out. Raise upstreams.<name>.connections to at least " +
      "twice the number of nodes, on all of them; ocsgw nodes -c FILE --forget NODE frees the lane of a node that " +
      "will not come back",
    fields: {
      upstream: text("the upstream's name in the config"),
      total: number("the smallest `connections` of the nodes"),
      gateways: number("nodes that hold lanes or need one"),
    },
  },
  limitsNotShared: {
    level: "warn",
    message:
      "The shared database does not answer, so this node counts rate limits alone: 1 of {gateways} parts of each",
    action:
      "Tenants whose requests go to few nodes may be refused earlier (429). Look for sharedDatabaseUnavailable; " +
      "limits are shared again by themselves",
    fields: { gateways: number("nodes that lived last") },
  },
  limitsShared: { level: "info", message: "Rate limits are counted together with the other nodes again", fields: {} },
  nodeReplaced: {
    level: "error",
    message: "This gateway stops: {reason}",
    action: "Give each gateway a name of its own (node in the config)",
    fields: { reason: text("one sentence") },
  },
  peerJournalContinues: {
    level: "info",
    message: "The journal of node {node} continues what this gateway cosigned, and is cosigned again",
    fields: { node },
  },
  peerNotCosigned: {
    level: "error",
    message: "This gateway could not cosign a checkpoint of another node: {reason}",
    action: "Free disk space or correct the permissions of audit.dir/peers",
    fields: { reason: text("why it failed") },
  },
} as const satisfies EventRows;
