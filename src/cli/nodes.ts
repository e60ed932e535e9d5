/**
 * `ocsgw nodes`: the gateways that share the config's database, as the database has them. No gateway needs to run. Exit
 * code 5: the database cannot be reached.
 */
import { DatabaseUnavailable, SharedDatabase } from "../cluster/database.ts";
import { inspectNodes, type Inspection } from "../cluster/inspect-nodes.ts";
import { forgetRow } from "../cluster/node-rows.ts";
import { describeNode, type DescribedNode } from "../cluster/describe-node.ts";
import { databaseOptions } from "../app/wiring/cluster/cluster.ts";
import { FORGET_NODE } from "../journal/access.ts";
import type { Settings } from "../settings/schema/schema.ts";
import { recordAccess } from "./audit/access/record.ts";
import { DONE, FAILED, UNREACHABLE } from "./exit-codes.ts";
import { columns, command, day, settingsOf, type Host } from "./list-file.ts";

export type NodesOptions = {
  readonly config: string;
  readonly json?: boolean;
  /** A node to remove from the list. */
  readonly forget?: string;
};

/** Writes into the journal of this machine that a node is forgotten. Resolves to an exit code if it could not. */
type Recording = (settings: Settings, purpose: string) => Promise<object | number>;

const recordForgotten: Recording = (settings, purpose) =>
  recordAccess({ settings }, { operation: FORGET_NODE, purpose }, false);

const processHost: Host = { stdout: process.stdout, stderr: process.stderr, env: process.env };

export const nodes = async (
  { config, json, forget: name }: NodesOptions,
  host: Host = processHost,
  record: Recording = recordForgotten,
): Promise<number> => {
  let exit: number = DONE;
  const done = await command(host, async () => {
    const settings = await settingsOf(config, host);
    const { shared } = settings;
    if (!shared) {
      host.stderr.write(`${config} has no shared database: this gateway is alone\n`);
      exit = FAILED;
      return;
    }
    const database = new SharedDatabase({ ...databaseOptions(shared, "ocsgw nodes"), connections: 1 });
    try {
      const found = await inspectNodes(database);
      if (name !== undefined)
        return void (exit = await forget(database, found, {
          name,
          host,
          record: (purpose) => record(settings, purpose),
        }));
      const rows = described(found);
      host.stdout.write(json ? `${JSON.stringify(rows, undefined, 2)}\n` : table(rows));
    } catch (error) {
      const why = whyNot(error);
      if (why === undefined) throw error;
      host.stderr.write(`cannot read the nodes from the shared ${database.where}: ${why}\n`);
      exit = UNREACHABLE;
    } finally {
      await database.close();
    }
  });
  return done === DONE ? exit : done;
};

type Forgotten = {
  readonly name: string;
  readonly host: Host;
  readonly record: (purpose: string) => Promise<object | number>;
};

/**
 * The journal has it first: from then on answers about all nodes lack this one without saying so. Resolves to the exit
 * code.
 */
const forget = async (
  database: SharedDatabase,
  { nodes: all }: Inspection,
  { name, host, record }: Forgotten,
): Promise<number> => {
  const node = all.find((each) => each.name === name);
  if (node !== undefined && node.state !== "live") {
    const recorded = await record(`node ${name}`);
    if (typeof recorded === "number") return recorded;
  }
  const isGone = node !== undefined && node.state !== "live" && (await forgetRow(database, node));
  if (isGone) host.stdout.write(`the node ${name} is removed from the list\n`);
  else
    host.stderr.write(
      node === undefined
        ? `there is no node ${name}\n`
        : `the node ${name} lives and cannot be removed; stop it first\n`,
    );
  return isGone ? DONE : FAILED;
};

const UNDEFINED_TABLE = "42P01";

const whyNot = (error: unknown): string | undefined => {
  if (error instanceof DatabaseUnavailable) return error.message;
  return (error as { code?: unknown }).code === UNDEFINED_TABLE
    ? "it has no tables of gateways; the first gateway that starts creates them"
    : undefined;
};

const described = ({ nodes: all, heads }: Inspection): readonly DescribedNode[] =>
  all.map((node) => describeNode(node, heads));

const table = (rows: readonly DescribedNode[]): string =>
  rows.length === 0
    ? "no gateway has used this database yet\n"
    : columns([
        ["NODE", "STATE", "VERSION", "SINCE", "LAST SEEN", "LANES", "LAG", "ADMIN"],
        ...rows.map(({ node, state, version, since, seen, lanes, lag, admin }) => [
          node,
          state,
          version,
          day(Date.parse(since)),
          day(Date.parse(seen)),
          lanes === undefined ? "?" : String(lanes),
          lag === undefined ? "?" : String(lag),
          admin ?? "-",
        ]),
      ]);
